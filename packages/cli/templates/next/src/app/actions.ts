'use server';

import { redirect } from 'next/navigation';
import { emailWelcome } from '../jobs.ts';
import { ojs } from '../ojs.ts';

export const sendWelcome = ojs.action(async (form: FormData): Promise<void> => {
  const { id } = await ojs.client.enqueue(emailWelcome, [String(form.get('to')), String(form.get('name'))]);
  redirect(`/?job=${id}`);
});
