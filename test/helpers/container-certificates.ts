import type { StartedTestContainer } from 'testcontainers';

export interface Certificates {
  ca: string;
  certificate: string;
  key: string;
}

const script = `
  set -e
  mkdir -p /ca && cd /ca
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj '/CN=Test CA' \
    -keyout ca.key -out ca.pem
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout server.key -out server.csr
  echo "subjectAltName=DNS:$1" >ext
  openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out server.pem
`;

/** Makes a certificate authority of the test's own, and a certificate for `name`, in a container that has openssl. */
export async function makeCertificates(container: StartedTestContainer, name: string): Promise<Certificates> {
  const made = await container.exec(['sh', '-c', script, 'sh', name]);
  if (made.exitCode !== 0) throw new Error(`openssl failed: ${made.output}`);
  const read = async (path: string) => (await container.exec(['cat', path])).stdout;
  return {
    ca: await read('/ca/ca.pem'),
    certificate: await read('/ca/server.pem'),
    key: await read('/ca/server.key'),
  };
}
