import { Empty } from '../../ui/states.tsx';

/** The first view of a new server. */
export function Nothing() {
  return (
    <section className="card" aria-label="First job">
      <Empty title="No job yet">
        <p>Enqueue one from your code, from the playground, or with this command:</p>
        <pre>
          <code>npx @ojs-ts/cli enqueue hello '["world"]'</code>
        </pre>
      </Empty>
    </section>
  );
}
