import { start } from '../start.js';
import './torg-account-page.js';

start();
