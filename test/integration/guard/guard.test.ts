import { describeInLab } from '../support/suite';
import { isolation } from './isolation';

describeInLab('guard', (suite) => {
  isolation(suite);
});
