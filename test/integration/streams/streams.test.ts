import { describeInLab } from '../support/suite';
import { followingStreams } from './following';

describeInLab('streams', (suite) => {
  followingStreams(suite);
});
