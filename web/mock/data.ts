// Invented customers and what they say. No person or company here exists.
export interface Said {
  lang: 'nl' | 'en';
  lane: 'public' | 'private';
  name: string;
  handle: string;
  lines: string[];
  post?: string;
}

export const posts = [
  'Vanaf maandag rijden onze bezorgfietsen ook in Zwolle en Deventer. Tot 21.00 uur, zonder extra kosten.',
  'Storing in de app: inloggen lukt nu niet altijd. We zijn ermee bezig en melden het hier zodra het werkt.',
  'New: change your delivery slot until one hour before we leave. Works in the app and on the website.',
];

export const people: Said[] = [
  { lang: 'nl', lane: 'public', name: 'Sanne de Wit', handle: '@sannedewit@mast.example', post: posts[1]!, lines: ['Al drie kwartier “even geduld” in de app. Ik sta bij het afhaalpunt en kan mijn code niet zien.', 'Kan iemand me hier helpen?'] },
  { lang: 'nl', lane: 'private', name: 'Youssef El Amrani', handle: '@youssef.bsky.example', lines: ['Hoi, ik heb per ongeluk twee keer betaald voor bestelling 48213. Kunnen jullie er één terugstorten?'] },
  { lang: 'en', lane: 'public', name: 'Maisie Okonkwo-Bradley', handle: '@maisie@social.example', post: posts[2]!, lines: ['Love this. Does it also work for orders that are split over two deliveries?'] },
  { lang: 'nl', lane: 'public', name: 'Bram van der Velden-Hoogeveen', handle: '@bramvdvh@mast.example', post: posts[0]!, lines: ['Mooi dat jullie uitbreiden, maar mijn bestelling van vorige week is er nog steeds niet… 😕 Nummer 47790.', 'Bellen lukt ook niet, ik hang al een half uur in de wacht.', 'Graag vandaag nog een reactie.'] },
  { lang: 'en', lane: 'private', name: 'Tomasz Nowak', handle: '@tomasz.bsky.example', lines: ['Hello, the courier left my parcel with a neighbour but I do not know which one. The note is unreadable.'] },
  { lang: 'nl', lane: 'public', name: 'Fleur Jansen', handle: '@fleurtje.bsky.example', lines: ['Compliment voor de bezorger van vanmorgen in Utrecht-Oost: hielp mijn oma met de zware tassen tot in de keuken. 💛'] },
  { lang: 'nl', lane: 'private', name: 'Anouk Verhoeven', handle: '@anoukv@mast.example', lines: ['Mijn adres is gewijzigd, maar de bestelling van morgen staat nog op het oude adres. Kan dat nog om?'] },
  { lang: 'en', lane: 'public', name: 'Priya Raman', handle: '@priya@social.example', lines: ['@brand is the oat milk gone for good or just out of stock? Asking for a very sad cappuccino.'] },
  { lang: 'nl', lane: 'public', name: 'Henk Dijkstra', handle: '@henkd@mast.example', post: posts[1]!, lines: ['Weer een storing. Dit is de derde keer deze maand, wat doen jullie eraan?'] },
  { lang: 'nl', lane: 'public', name: 'Şeyma Yıldız', handle: '@seymayildiz.bsky.example', post: posts[0]!, lines: ['Komen jullie ook naar Apeldoorn?'] },
  { lang: 'en', lane: 'public', name: 'Callum Reid', handle: '@callumreid@social.example', lines: ['Your website tells me my postcode does not exist. It has existed since 1978, I checked with my mum.'] },
  { lang: 'nl', lane: 'private', name: 'Margriet Oosterhuis', handle: '@margriet.bsky.example', lines: ['Goedemorgen, in mijn pakket zat een gebroken pot honing. Alles plakt. Foto volgt.'] },
];

export const extra = [
  ['Wanneer zijn jullie met de feestdagen open?', 'When are you open during the holidays?'],
  ['Mijn kortingscode werkt niet, zegt dat hij verlopen is.', 'My discount code does not work, it says it has expired.'],
  ['Waar blijft mijn pakket? De track & trace staat al twee dagen stil.', 'Where is my parcel? Tracking has not moved for two days.'],
  ['Kan ik mijn abonnement een maand pauzeren?', 'Can I pause my subscription for a month?'],
  ['De app is sinds vanochtend alleen nog wit.', 'The app has been plain white since this morning.'],
] as const;

export const names = ['Lotte Bakker', 'Daan Smit', 'Noor Visser', 'Sem de Boer', 'Eva Mulder', 'Finn Meijer', 'Olivia Hart', 'Jack Turner', 'Isla Byrne', 'Mehmet Kaya', 'Chanel Pinas', 'Ruben Cohen', 'Ines Ferreira', 'Wout Claes', 'Aisha Hassan'];
