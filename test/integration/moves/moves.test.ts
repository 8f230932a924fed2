import { describeInLab } from '../support/suite';
import { adversity } from './adversity';
import { interruptedDumps } from './interrupted';
import { follow } from './follow';
import { links } from './links';
import { moves } from './move';
import { recovery } from './recover';
import { refusals } from './refusals';
import { returns } from './return';
import { trackedMoves } from './tracked';
import { troubledMoves } from './trouble';

describeInLab('moves', (suite) => {
  moves(suite);
  refusals(suite);
  troubledMoves(suite);
  follow(suite);
  links(suite);
  returns(suite);
  trackedMoves(suite);
  adversity(suite);
  interruptedDumps(suite);
  recovery(suite);
});
