export const images = { sallyport: 'sallyport:test', peers: 'sallyport-peers:test' };

/** Everything that the tests start carries this label; its value tells the run. */
export const runLabel = 'sallyport.test.run';

/** What the tests bring up with compose carries compose's own label of the project as well. */
export const composeProject = (run: string) => `sallyport-test-${run}`;
