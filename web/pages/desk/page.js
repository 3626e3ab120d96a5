import { start } from '../start.js';
import './torg-desk-page.js';

start();
