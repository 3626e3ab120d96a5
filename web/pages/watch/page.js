import { start } from '../start.js';
import './torg-watch-page.js';

start();
