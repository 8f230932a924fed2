export { hostNames, type LabHost } from './config';
export { Lab } from './lab';
export { labDown, labStatus, labUp, openLab, type LabStatus, type LabUpOptions } from './lifecycle';
export type { CutDirection, LinkQuality } from './link-faults';
