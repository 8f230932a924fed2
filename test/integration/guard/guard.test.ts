import { describeInLab } from '../support/suite';
import { appetite } from './appetite';
import { fuzz } from './fuzz';
import { isolation } from './isolation';
import { hostilePeer } from './peer';
import { planted } from './planted';
import { secrets } from './secrets';
import { users } from './users';

describeInLab('guard', (suite) => {
  isolation(suite);
  secrets(suite);
  users(suite);
  appetite(suite);
  planted(suite);
  hostilePeer(suite);
  fuzz(suite);
});
