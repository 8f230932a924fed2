/** What the user interface may ask of the desktop's back end. */
export * from './bridge';
export * from './calls';
export * from './events';
export * from './locales';
export * from './nouns';
export * from './settings';
export * from './state';
export * from './streams';
export * from './commands';
export * from './command-labels';
