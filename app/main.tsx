/** Where the window begins. */
import { createRoot } from 'react-dom/client';
import { App } from './app';
import { restoreRoute, onTaskRevealed } from './state/navigation';
import { openTask } from './state/desk';
import { start } from './state/start';
import './styles/index.css';

restoreRoute();
onTaskRevealed(openTask);
start();
createRoot(document.getElementById('root')!).render(<App />);
