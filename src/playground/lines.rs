//! What the invented customers say. Written by hand; the brand is *Kabelkraai*, which sells internet and television that
//! nobody can buy.

/// Where it is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In public, naming the brand.
    Public,
    /// Among themselves: a private mention.
    Private,
    /// Under a post of the brand, without naming it.
    Under,
}

/// One story: how it opens and how it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Script {
    pub dutch: bool,
    pub place: Place,
    pub open: &'static str,
    /// What is said to each answer of the brand, in order.
    pub then: &'static [&'static str],
    /// The last word; empty when there is none.
    pub thanks: &'static str,
    /// What somebody who is not answered says.
    pub nudge: &'static str,
    /// The opening as it is corrected a little later.
    pub edited: Option<&'static str>,
    /// Taken back after a while.
    pub regretted: bool,
    /// Others join in.
    pub shared: bool,
}

const BASE: Script = Script {
    dutch: true,
    place: Place::Public,
    open: "",
    then: &[],
    thanks: "",
    nudge: "",
    edited: None,
    regretted: false,
    shared: false,
};

const fn nl(open: &'static str, then: &'static [&'static str], thanks: &'static str, nudge: &'static str) -> Script {
    Script { open, then, thanks, nudge, ..BASE }
}

const fn en(open: &'static str, then: &'static [&'static str], thanks: &'static str, nudge: &'static str) -> Script {
    Script { dutch: false, open, then, thanks, nudge, ..BASE }
}

const fn private(script: Script) -> Script {
    Script { place: Place::Private, ..script }
}

const fn under(script: Script) -> Script {
    Script { place: Place::Under, ..script }
}

const fn shared(script: Script) -> Script {
    Script { shared: true, ..script }
}

const fn regretted(script: Script) -> Script {
    Script { regretted: true, ..script }
}

const fn edited(script: Script, text: &'static str) -> Script {
    Script { edited: Some(text), ..script }
}

/// What the brand itself says, so that there is something to answer under.
pub const BRAND_POSTS: &[(&str, bool)] = &[
    ("Zondag zijn onze winkels open van 12 tot 17 uur. Neem je oude modem mee, dan recyclen wij hem. ♻️", true),
    (
        "Vannacht tussen 02:00 en 05:00 werken we aan het netwerk in Harderveen en Oostmeer. Je bent even offline; je modem weet het al.",
        true,
    ),
    ("New: English-speaking colleagues at the counter, every weekday until 20:00. Come and say hello!", false),
];

/// What people who have the same trouble add.
pub const ME_TOO: &[(&str, bool)] = &[
    ("Hier in Oostmeer ook. Kaarsen zijn al aan.", true),
    ("Idem in Harderveen sinds een half uur.", true),
    ("Bij ons juist niet, maar we leven mee 🍿", true),
    ("Same on the Havenkade. Mobile only.", false),
    ("It's back here! Oh wait. No.", false),
    ("Hier doet alleen de tv het nog. Natuurlijk net als de belastingaangifte moet.", true),
];

/// Everything that may be said first.
pub const SCRIPTS: &[Script] = &[
    // Delivery
    nl(
        "mijn nieuwe modem zou vandaag tussen 9 en 12 komen. Het is nu 16:40 en ik durf de deur nog steeds niet uit. Waar blijft hij?",
        &[
            "Bestelnummer KK-20417, postcode 1234 AB.",
            "Ah, dus hij ligt bij de buurman. Die is op vakantie. Tot wanneer? Geen idee!",
        ],
        "Top, dank voor het meedenken!",
        "Iemand thuis? Ik in ieder geval wel, de hele dag al.",
    ),
    nl(
        "volgens de track & trace is mijn pakket 'bezorgd bij de heg'. Welke heg? We wonen in een flat. Op 7 hoog.",
        &["KK-20533. Ik heb inmiddels alle plantenbakken gecontroleerd."],
        "Gevonden! Hij lag bij de receptie. Dank je wel voor de hulp 🌿",
        "De heg zwijgt. Jullie ook?",
    ),
    nl(
        "pakketje ontvangen, heel netjes ingepakt, alleen zit er een doos kerstverlichting in in plaats van een tv-ontvanger.",
        &["Foto kan ik sturen. De lampjes doen het trouwens prima.", "KK-20871 is het nummer."],
        "Omgeruild en geregeld. De lampjes mis ik nu wel.",
        "Kan iemand hier even naar kijken? Kerst duurt nog even.",
    ),
    edited(
        nl(
            "mijn bestellnig KK-20990 staat al een week op 'wordt ingepakt'. Wordt het een heel mooi pakje?",
            &["Ja klopt, dat adres. Morgen mag ook."],
            "Fijn! Dan maak ik vast plaats op de kast.",
            "Nog steeds aan het inpakken?",
        ),
        "mijn bestelling KK-20990 staat al een week op 'wordt ingepakt'. Wordt het een heel mooi pakje?",
    ),
    en(
        "the courier's note says 'left with a friendly dog'. I don't have a dog. Where is my router?",
        &[
            "Order KK-31002. It's a friendly street, to be fair.",
            "Found the dog. Found the router. It's been chewed, but only the box.",
        ],
        "All sorted, thank you! Give the courier my regards. And the dog's.",
        "Any news? The dog isn't talking.",
    ),
    en(
        "I paid for next-day delivery. It is now the day after the day after next day.",
        &["KK-31145, to the harbour address please, not the boat.", "That works, thanks."],
        "It arrived. On a day! Much obliged.",
        "Shall we call this next-week delivery?",
    ),
    en(
        "moved house last week and the parcel followed me to the OLD place. Can you point it at the new one?",
        &["New address is in my account since this morning.", "Lovely. Does that cost anything?"],
        "You're stars, thanks.",
        "The old neighbours are getting attached to it.",
    ),
    private(nl(
        "Goedemiddag, mijn bestelling KK-21044 is op het verkeerde adres bezorgd. Het juiste adres is Wilgenlaan 8. Kunt u dat aanpassen?",
        &["Ja, dat klopt. Mijn dochter heeft de bestelling gedaan.", "Hartelijk dank, u bent een schat."],
        "Hartelijk dank, fijne dag nog.",
        "Heeft u mijn bericht kunnen lezen?",
    )),
    private(en(
        "Hi, could you deliver KK-31220 after 18:00? The door code is 4471, please don't put that in public 🙂",
        &["After 19:00 is even better.", "Perfect."],
        "Received, thanks for being quick!",
        "Just checking you saw this before the van leaves.",
    )),
    nl(
        "bestelling geannuleerd, toch geleverd, teruggestuurd, en vandaag weer geleverd. Is dit een abonnement?",
        &["KK-21177. Ik heb hem inmiddels een naam gegeven."],
        "Retour bevestigd. Vaarwel, doos.",
        "De doos en ik wachten op antwoord.",
    ),
    // Billing
    nl(
        "waarom is mijn rekening deze maand € 12,50 hoger? Ik heb niks anders gedaan dan internetten, en dat hoorde erbij dacht ik.",
        &[
            "Klantnummer 880-142. De regel heet 'diversen'. Welke diversen?",
            "Aha, de filmhuur van mijn zoon. We gaan hier even een gesprek hebben.",
        ],
        "Duidelijk, bedankt voor het uitzoeken.",
        "Ik wacht met betalen tot ik weet waarvoor.",
    ),
    private(nl(
        "Hallo, er is twee keer € 45 afgeschreven op 1 maart. Klantnummer 880-977. Kunnen jullie er één terugstorten?",
        &["Ja, de rekening eindigt op 42.", "Prima, binnen vijf werkdagen is goed."],
        "Staat er weer op, dank!",
        "Hallo? Het gaat om 45 euro, dat zijn veel stroopwafels.",
    )),
    private(nl(
        "Ik ben sinds januari mijn baan kwijt en kan de rekening deze maand niet in één keer betalen. Is een regeling mogelijk?",
        &["Drie termijnen zou heel fijn zijn.", "Dank u wel, dat scheelt me een slapeloze nacht."],
        "Heel erg bedankt voor de vriendelijke hulp.",
        "Sorry dat ik aandring, de uiterste datum is vrijdag.",
    )),
    nl(
        "jullie automatische incasso heeft mij vandaag gefeliciteerd met mijn eerste jaar en daarna 3 euro verhoogd. Feestelijk!",
        &["880-310. Is er ook een abonnement zonder felicitaties?"],
        "Oké, met de korting is het een feestje. Dank.",
        "Ik blijf hier nog even verontwaardigd staan.",
    ),
    nl(
        "hoe zeg ik de sportzenders op? In de app zit de knop onder 'Mijn avontuur' en dat avontuur eindigt in een foutmelding.",
        &["Melding KK-E17, elke keer.", "Per 1 april graag."],
        "Gelukt, bedankt! Einde avontuur.",
        "Avontuur duurt voort.",
    ),
    edited(
        nl(
            "ik betaal al 3 maanden voor een decoder die ik in november heb teruggestuurt",
            &["Bewijs van verzending heb ik, 14 november.", "Dat is netjes, dank."],
            "Bedrag is terug. Keurig opgelost!",
            "Iemand?",
        ),
        "ik betaal al 3 maanden voor een decoder die ik in november heb teruggestuurd",
    ),
    en(
        "my invoice says I called a lighthouse for 94 minutes. I would remember that.",
        &["Customer 880-655. I have no feelings about lighthouses either way.", "Ha, the fax line! Mystery solved."],
        "Credited already, thank you.",
        "Still not a lighthouse person.",
    ),
    en(
        "is there a reason the student discount disappears exactly one month before I graduate? Asking before I get emotional.",
        &["880-733, studying until July.", "Oh that's great, thank you."],
        "You saved my coffee budget ☕",
        "Emotional now.",
    ),
    private(en(
        "Hello, I've been charged for two SIM cards but only own one phone and one pair of hands. Customer 880-418.",
        &["The one ending in 77 isn't mine.", "Thanks, please do."],
        "Refund is in. Brilliant.",
        "Hi again, next payment goes out on Thursday.",
    )),
    private(en(
        "I'd like to change my bank account for the direct debit. What's the safest way to do that?",
        &["The app wants a code from my old phone, which is in a canal.", "That letter option works for me."],
        "Done, thank you for your patience with my phone.",
        "Could you let me know before the 25th?",
    )),
    // Outage
    shared(nl(
        "ligt het hele netwerk eruit in Oostmeer of ben ik weer de enige met een verdrietig lampje?",
        &[
            "Lampje is oranje. Soms rood. Hij heeft er geen zin in.",
            "Ja, stekker eruit en erin gedaan, twee keer zelfs.",
        ],
        "Hij doet het weer! Lampje ook blij.",
        "Lampje nog steeds verdrietig.",
    )),
    shared(nl(
        "GEEN INTERNET en over 20 minuten moet ik een sollicitatiegesprek doen. Help.",
        &[
            "Postcode 3811 KK. Ik sta nu met mijn laptop bij de buren in de schuur.",
            "Buren hebben ook niets meer. Schuur wel gezellig.",
        ],
        "Gesprek gedaan via mobiel, en aangenomen! Internet is er ook weer 🎉",
        "Nog 12 minuten…",
    )),
    nl(
        "elke avond om 20:00 precies valt de wifi weg. Mijn man zegt toeval, ik zeg het journaal.",
        &["Modem is het zwarte model, 2 jaar oud.", "Kanaal veranderd, ik meld me om 20:01."],
        "20:07 en nog steeds verbinding. Mijn man wil zijn gelijk terug.",
        "Het is bijna weer 20:00.",
    ),
    nl(
        "jullie storingspagina zegt 'geen storingen' maar laadt niet omdat ik een storing heb. Filosofisch wel mooi.",
        &["Harderveen, 9871. Sinds 7 uur vanochtend."],
        "Weer online, dank voor de updates.",
        "Cogito ergo offline.",
    ),
    nl(
        "tv-beeld bevriest steeds op het moment suprême. Vanavond is de finale. Ik vraag het vriendelijk, nog wel.",
        &["Ja, via de kabel en niet via wifi.", "Ontvanger gereset, beeld is strak. Nu nog winnen."],
        "Verloren, maar haarscherp. Bedankt!",
        "Nog twee uur tot de finale…",
    ),
    shared(en(
        "is the internet down on the Havenkade? My kettle, lamp and cat flap have all lost their minds at once.",
        &["Postcode 2511. The cat is not amused.", "Rebooted. The cat flap says hello."],
        "We're back! Cat flap fully operational.",
        "The cat has now been outside for an hour.",
    )),
    en(
        "upload is so slow that my video call turned me into an oil painting.",
        &["Speed test: 94 down, 0.3 up. Wired.", "New cable fitted, testing now."],
        "30 up! I have a face again, thank you.",
        "Still painting.",
    ),
    en(
        "third outage this month. I've started a bingo card. 'Planned maintenance' fills the last square.",
        &["880-902, Oostmeer. I'd settle for an honest date."],
        "Appreciate the straight answer.",
        "Bingo.",
    ),
    private(nl(
        "Mijn moeder (84) woont alleen en haar alarm loopt via jullie lijn, die sinds vanmorgen dood is. Adres stuur ik graag hier: Lindehof 3.",
        &["Klantnummer 880-028, op naam van mijn moeder.", "Dank. Ik ben nu onderweg naar haar toe."],
        "De monteur was er binnen twee uur. Echt ontzettend bedankt.",
        "Dit is echt dringend, kunt u reageren?",
    )),
    private(en(
        "My clinic's phones run over your line and it has been dead since eight. Could somebody call me on the number in my account?",
        &["Yes, the mobile one. Any time.", "The engineer is here, thanks."],
        "Line is up, thanks for the quick call back.",
        "We have patients who cannot reach us, please.",
    )),
    regretted(nl(
        "WAARDELOOS bedrijf. Al drie dagen geen internet. Ik zeg alles op, ook de gratis pen.",
        &["Sorry, ik was boos. Postcode 7411."],
        "Hij doet het. De pen houd ik toch.",
        "Ik ben er nog hoor.",
    )),
    regretted(en(
        "worst company ever, my modem just burst into song at 3am",
        &["It was my phone. I am so sorry."],
        "",
        "",
    )),
    // Compliments
    nl(
        "ere wie ere toekomt: vanmorgen gebeld, vanmiddag monteur Sjaak aan de deur, en hij heeft ook even de kat uit het kastje gehaald. 10/10",
        &["Hij heet Sjaak, de kat heet Modem. Vraag maar niet."],
        "Geef Sjaak een stroopwafel van me!",
        "",
    ),
    nl(
        "ik wil even kwijt dat jullie collega Priscilla het geduld van een engel heeft. Mijn vader snapt nu wat een browser is. Bijna.",
        &[],
        "",
        "",
    ),
    nl(
        "nieuwe app is echt een stuk beter! Alleen die kraai die 'kra' zegt als ik betaal, mag die wat zachter?",
        &["Gevonden! Onder instellingen, bij 'kraaigeluiden'. Natuurlijk."],
        "Perfect, nu betaal ik in stilte.",
        "Kra?",
    ),
    nl(
        "mooie winkel geworden in Harderveen. En eindelijk koffie die niet uit een modem lijkt te komen ☕",
        &[],
        "",
        "",
    ),
    en(
        "credit where it's due: the person at your counter fixed in five minutes what three forums couldn't in a week.",
        &["Red scarf, excellent taste in biscuits."],
        "Please pass it on!",
        "",
    ),
    en("your hold music made my toddler dance for eleven minutes. Please never change it.", &[], "", ""),
    en(
        "switched to you a month ago and nothing has gone wrong. I keep checking. It's unsettling. Well done.",
        &["I'll let you know if it does. Suspiciously good so far."],
        "",
        "",
    ),
    private(en(
        "I complained loudly last week, so it's only fair to say quietly: it's fixed and everyone was lovely.",
        &["Thanks, have a good weekend!"],
        "",
        "",
    )),
    // Reviews
    nl(
        "review: ⭐⭐⭐⭐ internet snel, modem lelijk. Vijfde ster zodra hij niet meer op een spin lijkt.",
        &["Ooo, er is een witte? Doe die maar.", "KK-21388, dank je!"],
        "Witte modem binnen: ⭐⭐⭐⭐⭐",
        "",
    ),
    nl(
        "review: ⭐⭐ aansluiten ging prima, maar de handleiding is in zestien talen en geen ervan is duidelijk.",
        &["Bladzijde 9, het plaatje met de pijl. Wijst naar niets."],
        "Met de video lukte het in één keer. ⭐⭐⭐⭐",
        "Ik zit nog steeds op bladzijde 9.",
    ),
    nl(
        "review: ⭐ drie kwartier in de wacht, toen 'u bent de eerste in de rij', toen opgehangen. Ik was nog nooit zo dichtbij.",
        &["Het ging over verhuizen, per 1 mei.", "Oh, dat was snel. Waarom kan dat niet altijd zo?"],
        "Nu geregeld. ⭐⭐⭐ dan.",
        "Nog steeds eerste in de rij?",
    ),
    en(
        "review: ⭐⭐⭐⭐ solid speeds, lovely staff, the crow mascot follows me in my dreams.",
        &["He's wearing a little headset. He knows things."],
        "",
        "",
    ),
    en(
        "review: ⭐⭐ the installer was on time, polite, and drilled straight through my bookshelf. Page 211 of everything.",
        &["Photo sent in private. The hole is very neat, I'll grant you.", "That's generous, thank you."],
        "⭐⭐⭐⭐ for how you handled it.",
        "The books would like a word.",
    ),
    edited(
        en(
            "review: ⭐⭐⭐ cancelling was easy, the goodbye e-mail made me cry, so now im back",
            &["Can I keep my old number?"],
            "Back in the nest. Thanks!",
            "",
        ),
        "review: ⭐⭐⭐ cancelling was easy, the goodbye e-mail made me cry, so now I'm back",
    ),
    // Questions
    nl(
        "hebben jullie glasvezel in de Meidoornstraat, of alleen de posters ervoor?",
        &["1234 AB, nummer 12.", "September?! Ik schrijf het in de agenda. Met potlood."],
        "Dank, dan wachten we nog even.",
        "De poster hangt er nog.",
    ),
    nl(
        "ik ga verhuizen naar mijn vriendin. Zij heeft ook Kabelkraai. Moeten we het nu uitmaken (het abonnement)?",
        &["Het hare is sneller, die houden we.", "De rest houden we ook, bedankt."],
        "Jullie zijn de beste relatietherapeuten.",
        "Dozen zijn al ingepakt!",
    ),
    nl(
        "kan mijn oude modem bij het oud papier? Hij is best dun.",
        &["Vijf minuten fietsen, doe ik."],
        "Ingeleverd. De kraai in de winkel knikte goedkeurend.",
        "",
    ),
    nl(
        "wat is het wifi-wachtwoord als er op de sticker '0' of 'O' kan staan? Ik heb nu 32 combinaties geprobeerd.",
        &["De sticker is van de witte modem. Er staat ook nog een l of een 1.", "Het was een O. En een l. En een nul."],
        "Ik ben binnen! Dank!",
        "Combinatie 47…",
    ),
    en(
        "just moved here and my Dutch stops at 'gezellig'. Can I get the contract in English?",
        &["Customer 880-512. Also happy with pictures.", "Dank je wel! (See, learning.)"],
        "Gezellig!",
        "Hallo? (That one I know too.)",
    ),
    en(
        "does your modem survive on a houseboat? It's a bit damp and there's a heron.",
        &["About 70% humidity. The heron is non-negotiable.", "Shelf it is."],
        "Up and running. Heron unimpressed. Thanks!",
        "The heron is looking at the cable now.",
    ),
    en(
        "how do I stop the app telling me 'your neighbour has faster internet'? My neighbour is insufferable as it is.",
        &["Android, latest version."],
        "Off. Peace restored.",
        "He just mentioned it again.",
    ),
    en(
        "is there a way to pause my subscription? Going on a six-month sailing trip and the sea has no sockets.",
        &["Leaving on 1 May, back in November if the wind agrees.", "That'd be perfect."],
        "Fair winds to you all!",
        "Casting off soon!",
    ),
    private(nl(
        "Kunnen jullie mijn e-mailadres aanpassen? Mijn achternaam is na de scheiding weer Van Dam, graag overal.",
        &["Klantnummer 880-266, geboortedatum geef ik liever aan de telefoon.", "Fijn, dank u."],
        "Bedankt voor de discrete hulp.",
        "Er komt nog steeds post op de oude naam.",
    )),
    private(nl(
        "Ik kan niet meer inloggen en de herstelcode gaat naar een telefoon die mijn peuter in de wc heeft gegooid.",
        &["Ja, het e-mailadres klopt nog wel.", "Nieuwe code werkt!"],
        "Weer binnen. Telefoon helaas niet.",
        "De peuter lacht mij uit.",
    )),
    private(en(
        "Someone called pretending to be from Kabelkraai and asked for my PIN. I didn't give it. Should I do anything?",
        &["The number started with +99, which is not even a country.", "Changed the password just now."],
        "Reassuring, thank you.",
        "A little worried here, could you answer?",
    )),
    private(en(
        "Could you delete the account of my late aunt, customer 880-119? I have the papers, just tell me where to send them.",
        &["Thank you. I'll post the form tomorrow.", "That's kind of you to say."],
        "Thank you for handling it gently.",
        "No rush, just making sure this arrived.",
    )),
    // Under a post of the brand
    under(nl(
        "Eindelijk! Kan ik dan ook mijn oude televisie meenemen? Hij past net in de bakfiets.",
        &["Het is zo'n dikke. Zo een met een kont."],
        "Tot zondag dan!",
        "",
    )),
    under(nl(
        "Zondag open en dan om 17 uur dicht, terwijl ik zondags pas om 16 uur wakker ben.",
        &["Zaterdag dan maar."],
        "",
        "",
    )),
    under(nl(
        "Alwéér onderhoud? Mijn babyfoon loopt via de wifi, dus wie let er vannacht op de baby?",
        &["Half vier is precies voedingstijd, ja.", "Oké, fijn dat het maar kort is."],
        "Baby sliep erdoorheen. Wij niet, maar dat was al zo.",
        "Serieuze vraag trouwens.",
    )),
    under(nl(
        "Wordt Westmeer overgeslagen of zijn wij gewoon al perfect?",
        &["Dat antwoord laat ik inlijsten."],
        "",
        "",
    )),
    under(en(
        "Do the English-speaking colleagues also do Scottish? Asking for my grandfather.",
        &["He says aye."],
        "We'll be in on Thursday!",
        "",
    )),
    under(en(
        "Finally! Last time I mimed 'coaxial cable' for ten minutes.",
        &["It looked like a fight with an eel, apparently."],
        "",
        "",
    )),
    // Rambling and odd
    nl(
        "Ik heb een vraag, maar eerst even het hele verhaal. In 2019 kocht ik een huis. Toen kwam de kabel. Toen de kat. Toen de tweede kabel. De kat heeft nu de eerste kabel op. Valt dat onder de garantie?",
        &["De kat maakt het goed. De kabel niet.", "Nieuwe kabel is welkom, kat krijgt huisarrest."],
        "Kabel binnen, kat boos. Dank!",
        "De kat kijkt al naar de tweede.",
    ),
    nl(
        "👀",
        &["Sorry, dat was mijn dochter van twee. Maar nu ik u toch spreek: hoe laat sluit de winkel?"],
        "Dank u wel. Zij zegt ook 👋",
        "",
    ),
    nl(
        "zijn jullie van de kraaien of van de kabels? Er zit een nest op ons dak en mijn vrouw zegt dat ik jullie moest bellen.",
        &["Drie jonge. Ze eten de kabel niet, als u dat bedoelt."],
        "We laten ze zitten. Fijne dag!",
        "Het zijn er nu vier.",
    ),
    en(
        "hypothetically, if someone poured soup into a modem, which soup would void the warranty?",
        &["Minestrone. Hypothetically.", "Someone will take that offer, hypothetically."],
        "Somebody is very grateful.",
        "Asking before it dries.",
    ),
    en(
        "<b>is this thing on?</b> & does your form still break on names like O'Brien-d'Été?",
        &["It said: please enter a normal name. I have had this one for a while.", "Ha, accepted! History is made."],
        "First time a form took it. 👏",
        "Still me, still an apostrophe.",
    ),
];
