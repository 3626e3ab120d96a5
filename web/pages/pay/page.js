import { start } from '../start.js';
import './torg-pay-page.js';

start();
