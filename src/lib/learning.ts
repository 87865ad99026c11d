/** What is to be seen wherever one looks while names are learned. */
export const LEARNING =
  'NAME_CHECK=learn: whoever names a name gets there, listed or not, and the name itself to whoever owns it; this is for learning what an app needs, and guards nothing';
