import { emailWelcome } from '../../../jobs.ts';
import { ojs } from '../../../ojs.ts';

export const POST = ojs.route(async (request: Request) => {
  const body: unknown = await request.json().catch(() => null);
  if (!isSignUp(body)) return Response.json({ message: 'Expected to and name, as texts.' }, { status: 400 });
  const { id } = await ojs.client.enqueue(emailWelcome, [body.to, body.name]);
  return Response.json({ id }, { status: 202 });
});

function isSignUp(body: unknown): body is { to: string; name: string } {
  if (typeof body !== 'object' || body === null || !('to' in body) || !('name' in body)) return false;
  return typeof body.to === 'string' && typeof body.name === 'string';
}
