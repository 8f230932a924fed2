/** The user interface in real Electron, with a fake of the services at the wire: every gesture and every trouble, without a host. */
import { useWindow } from './support/hands';
import { commands } from './user-interface/commands';
import { everyPage } from './user-interface/every-page';
import { hosts } from './user-interface/hosts';
import { look } from './user-interface/look';
import { moving } from './user-interface/moving';
import { pods } from './user-interface/pods';
import { tasks } from './user-interface/tasks';
import { trouble } from './user-interface/trouble';

useWindow();
moving();
trouble();
pods();
hosts();
commands();
tasks();
look();
everyPage();
