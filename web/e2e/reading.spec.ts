// What an agent reads: what it is about, every answer once, addresses that can be followed; and tags whose colour can be chosen.
import { messages, rows } from './desk';
import { accessible, expect, fits, test } from './fixtures';
import { words } from './words';

test('a conversation says what it is about, and its addresses can be followed @everywhere', async ({ inbox, server }) => {
  const shop = await server.system('Winkel');
  const mark = `b${Date.now()}`;
  const subject = `Bestelling ${mark} met een onderwerp dat op een telefoon niet op één regel past`;
  await shop.post({
    external_id: mark,
    thread: { external_id: mark, subject },
    author: { external_id: mark, name: 'Noor' },
    text: `Zie https://winkel.example/bestelling/${mark}.`,
    fields: [{ label: 'Pagina', value: `Bestellen (https://winkel.example/${mark}/${'x'.repeat(60)})` }],
  });
  const row = rows(inbox).filter({ hasText: mark });
  await expect(row).toBeVisible({ timeout: 20_000 });
  await row.click();
  const said = messages(inbox).filter({ hasText: mark });
  await expect(said.getByRole('link', { name: `https://winkel.example/bestelling/${mark}`, exact: true })).toHaveAttribute('target', '_blank');
  await expect(said.getByRole('link')).toHaveCount(2);
  await expect(inbox.locator('main header').getByText(subject)).toBeVisible();
  await fits(inbox, 'the message');
  // Nothing of it is cut: the thread clips sideways, so the window's own width would not tell.
  const over = await inbox.locator('#messages').evaluate((box) => box.scrollWidth - box.clientWidth);
  expect(over, 'the message fits in the thread').toBeLessThanOrEqual(0);
  await accessible(inbox, 'the message');
});

test('a tag gets a colour, and keeps it @everywhere', async ({ inbox, api, server, lang }) => {
  const say = words(lang);
  const name = `tag${Date.now()}`;
  const made = await api.post('/api/tags', { headers: { origin: server.url }, data: { name } });
  expect(made.status()).toBe(201);
  await inbox.goto('/settings/tags');
  const choice = inbox.getByRole('combobox', { name: `${say('tags.color')}: ${name}` });
  await choice.selectOption({ label: say('tint.purple') });
  await expect.poll(async () => ((await (await api.get('/api/tags')).json()) as { name: string; color: string }[]).find((tag) => tag.name === name)?.color).toBe('purple');
  await inbox.reload();
  await expect(choice).toHaveValue('purple');
  await fits(inbox, 'the tags');
  await accessible(inbox, 'the tags');
});

test('what is opened by its address is in sight in the list', async ({ inbox, api, server }) => {
  const shop = await server.system('Drukte');
  const mark = `d${Date.now()}`;
  for (let n = 0; n < 20; n++) {
    await shop.post({ external_id: `${mark}-${n}`, thread: { external_id: `${mark}-${n}` }, author: { external_id: `${mark}-${n}`, name: `Klant ${mark} ${n}` }, text: 'Ligt het eruit?' });
  }
  const last = rows(inbox).filter({ hasText: `Klant ${mark} 19` });
  await expect.poll(async () => {
    await inbox.locator('.queue .box').evaluate((box) => box.scrollTo({ top: box.scrollHeight }));
    return last.count();
  }).toBe(1);
  const id = (await last.getAttribute('id'))!.replace(/^row-/, '');
  await inbox.goto(`/inbox/${id}`);
  await expect(last).toBeInViewport();

  // The other tests of this server find their own rows without scrolling.
  const crowd = await (await api.get(`${server.url}/api/conversations?status=open&limit=100`)).json();
  for (const row of crowd.items.filter((one: { contact: { name: string } }) => one.contact.name.includes(mark))) {
    const closed = await api.put(`${server.url}/api/conversations/${row.id}/status`, { headers: { origin: server.url }, data: { status: 'closed' } });
    expect(closed.status()).toBe(200);
  }
});
