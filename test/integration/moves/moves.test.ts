import { describeInLab } from '../support/suite';
import { moves } from './move';
import { troubledMoves } from './trouble';

describeInLab('moves', (suite) => {
  moves(suite);
  troubledMoves(suite);
});
