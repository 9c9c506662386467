// The keyboard is never nowhere: after a change of page the focus is on the page, in a dialog on its first question; and the
// screens that only trouble brings are as accessible as the others.
import { accessible, expect, fits, test } from './fixtures';
import { words } from './words';

test('the focus goes where the page goes', async ({ inbox, lang }) => {
  const say = words(lang);
  const main = inbox.locator('#main');
  await expect(inbox.getByRole('heading', { level: 1 }).first()).toBeVisible();
  await inbox.keyboard.press('g');
  await inbox.keyboard.press('b');
  await expect(inbox).toHaveURL(/\/board$/);
  await expect(main).toBeFocused();
  await inbox.keyboard.press('g');
  await inbox.keyboard.press('s');
  await expect(inbox).toHaveURL(/\/settings/);
  await expect(main).toBeFocused();

  await inbox.getByRole('link', { name: say('settings.accounts') }).click();
  await inbox.getByRole('button', { name: say('accounts.connect') }).press('Enter');
  await expect(inbox).toHaveURL(/\/accounts\/new$/);
  await expect(main).toBeFocused();

  await inbox.getByRole('link', { name: say('settings.agents') }).click();
  const add = inbox.getByRole('button', { name: say('agents.add') });
  await add.press('Enter');
  await expect(inbox.getByRole('textbox', { name: say('agents.name') })).toBeFocused();
  await accessible(inbox, 'a new colleague');
  await inbox.keyboard.press('Escape');
  await expect(add).toBeFocused();
});

test('trouble is accessible too @everywhere', async ({ inbox, lang }) => {
  const say = words(lang);
  await expect(inbox.getByRole('heading', { level: 1 }).first()).toBeVisible();
  await inbox.keyboard.press('Control+k');
  await inbox.keyboard.type('qqxz');
  await expect(inbox.getByRole('dialog').getByText(say('picker.none'))).toBeVisible();
  await accessible(inbox, 'a palette without anything in it');
  await inbox.keyboard.press('Escape');

  await inbox.goto('/inbox/01a00000-0000-7000-8000-000000000000');
  await expect(inbox.getByRole('heading', { level: 1, name: say('problem.conversation.not_found') }).or(inbox.getByRole('heading', { level: 1, name: say('problem.not_found') }))).toBeVisible();
  await accessible(inbox, 'a conversation that is not there');
  await fits(inbox, 'a conversation that is not there');
});

test('a team is removed by keyboard, once it is clear what that means; the focus stays on the list @everywhere', async ({ inbox, api, server, lang }) => {
  const say = words(lang);
  const headers = { origin: server.url };
  const make = async (path: string, data: object): Promise<{ id: string }> => {
    const made = await api.post(`${server.url}/api/${path}`, { headers, data });
    expect(made.status(), await made.text()).toBe(201);
    return (await made.json()) as { id: string };
  };
  const nights = `Nachtploeg ${Date.now()}`;
  const team = await make('teams', { name: nights });
  const account = `Formulier ${Date.now()}`;
  const fields = ((await (await api.get(`${server.url}/api/channels`)).json()) as { key: string; fields: { key: string; default: string | null }[] }[]).find(({ key }) => key === 'form')!.fields;
  const settings = Object.fromEntries(fields.flatMap(({ key, default: value }) => (value ? [[key, value]] : [])));
  const { id } = await make('accounts', { channel: 'form', name: account, settings, team_ids: [team.id] });

  await inbox.goto('/settings/teams');
  const remove = inbox.getByRole('button', { name: say('teams.remove.of', { name: nights }) });
  await remove.focus();
  await inbox.keyboard.press('Enter');
  // Without this team everybody would see the account.
  const not = inbox.getByRole('dialog', { name: say('teams.remove.not', { name: nights }) });
  await expect(not.getByRole('link', { name: account })).toBeVisible();
  await accessible(inbox, 'a team that cannot go');
  await fits(inbox, 'a team that cannot go');
  await inbox.keyboard.press('Escape');
  await expect(remove).toBeFocused();

  // What stands in the way may be taken away meanwhile, also by somebody else.
  await remove.press('Enter');
  await expect(not).toBeVisible();
  const others = await make('teams', { name: `Dagploeg ${Date.now()}` });
  const shared = await api.patch(`${server.url}/api/accounts/${id}`, { headers, data: { team_ids: [team.id, others.id] } });
  expect(shared.status(), await shared.text()).toBe(200);
  const sure = inbox.getByRole('dialog', { name: say('teams.remove.sure', { name: nights }) });
  await expect(sure).toContainText(account);
  await accessible(inbox, 'a team that is to go');
  await fits(inbox, 'a team that is to go');
  await sure.getByRole('button', { name: say('teams.remove'), exact: true }).press('Enter');
  await expect(remove).toHaveCount(0);
  await expect(inbox.getByRole('list', { name: say('settings.teams') })).toBeFocused();
  await expect(inbox.getByText(say('teams.removed', { name: nights })).first()).toBeVisible();
  expect(((await (await api.get(`${server.url}/api/teams`)).json()) as { id: string }[]).map((one) => one.id)).not.toContain(team.id);

  await inbox.goto(`/inbox?team=${team.id}`);
  await expect(inbox.getByRole('link', { name: say('filter.team.gone') })).toBeVisible();
});
