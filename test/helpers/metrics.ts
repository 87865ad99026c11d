/** What a relay's admin port says: its status and its text. */
export async function ask(port: number, path: string, method = 'GET') {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { method });
  return { status: response.status, text: await response.text(), headers: response.headers };
}

/** A relay's samples, by name and labels as they are written: `sallyport_connections_live{port="80"}`. */
export async function scrape(port: number): Promise<Readonly<Record<string, number>>> {
  const { text } = await ask(port, '/metrics');
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    samples.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1).replace('+Inf', 'Infinity'))];
    }),
  );
}
