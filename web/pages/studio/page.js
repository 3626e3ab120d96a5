import { start } from '../start.js';
import './torg-studio-page.js';

start();
