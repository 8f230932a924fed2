import { describeInLab } from '../support/suite';
import { adversity } from './adversity';
import { moves } from './move';
import { refusals } from './refusals';
import { troubledMoves } from './trouble';

describeInLab('moves', (suite) => {
  moves(suite);
  refusals(suite);
  troubledMoves(suite);
  adversity(suite);
});
