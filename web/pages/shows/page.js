import { start } from '../start.js';
import './torg-shows-page.js';

start();
