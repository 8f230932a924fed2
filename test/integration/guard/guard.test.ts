import { describeInLab } from '../support/suite';
import { isolation } from './isolation';
import { secrets } from './secrets';
import { users } from './users';

describeInLab('guard', (suite) => {
  isolation(suite);
  secrets(suite);
  users(suite);
});
