export const images = {
  sallyport: 'sallyport:test',
  peers: 'sallyport-peers:test',
  /** Keeps the layers that the examples' own images share, from one example to the next. */
  examplePeers: 'sallyport-example-peers:test',
};

/** Everything that the tests start carries this label; its value tells the run. */
export const runLabel = 'sallyport.test.run';

/** The compose project of an example. What compose brings up carries its own label of the project as well. */
export const composeProject = (run: string, example: string) => `sallyport-test-${run}-${example}`;
