//! What the invented customers mail. Written by hand, as the lines they say elsewhere.

/// Something that hangs on a mail.
#[derive(Debug, PartialEq, Eq)]
pub struct Enclosed {
    pub name: &'static str,
    pub mime: &'static str,
    pub bytes: &'static [u8],
}

const MODEM: Enclosed = Enclosed { name: "modem.png", mime: "image/png", bytes: include_bytes!("modem.png") };
const BILL: Enclosed =
    Enclosed { name: "rekening KK-R-2044.pdf", mime: "application/pdf", bytes: include_bytes!("bill.pdf") };

/// One correspondence: how it opens and how it goes on.
#[derive(Debug, PartialEq, Eq)]
pub struct Script {
    pub dutch: bool,
    pub subject: &'static str,
    pub open: &'static str,
    /// What is written to each answer of the brand, in order.
    pub then: &'static [&'static str],
    /// The last word; empty when there is none.
    pub thanks: &'static str,
    /// What somebody who is not answered writes.
    pub nudge: &'static str,
    /// The opening as a mail program draws it, with a picture that stands elsewhere.
    pub drawn: Option<&'static str>,
    pub enclosed: Option<Enclosed>,
    /// Somebody else gets a copy.
    pub copied: bool,
    /// The mail program says first that nobody is there.
    pub away: bool,
    /// Written from an address that takes no mail: an answer comes back.
    pub gone: bool,
}

const BASE: Script = Script {
    dutch: true,
    subject: "",
    open: "",
    then: &[],
    thanks: "",
    nudge: "",
    drawn: None,
    enclosed: None,
    copied: false,
    away: false,
    gone: false,
};

const fn nl(subject: &'static str, open: &'static str, then: &'static [&'static str], thanks: &'static str) -> Script {
    Script { subject, open, then, thanks, ..BASE }
}

const fn en(subject: &'static str, open: &'static str, then: &'static [&'static str], thanks: &'static str) -> Script {
    Script { dutch: false, subject, open, then, thanks, ..BASE }
}

/// What somebody writes whose story nobody remembers: from before the last start, or written to out of the blue.
pub static THANKS: [Script; 2] = [
    Script { thanks: "Dank voor je bericht, dan weet ik genoeg.", ..BASE },
    Script { dutch: false, thanks: "Thanks for letting me know, that answers it.", ..BASE },
];

/// Everything that may be written first.
pub static SCRIPTS: &[Script] = &[
    Script {
        enclosed: Some(MODEM),
        nudge: "Het lampje is nog steeds rood. Ik heb het een naam gegeven.",
        ..nl(
            "Rood lampje op het modem",
            "Goedemiddag,\n\nSinds vanochtend brandt het vierde lampje rood (zie foto). Volgens het boekje is dat \"storing of feest\". Het is geen feest.\n\nKunnen jullie op afstand kijken? Mijn klantnummer is KK-118-204.",
            &[
                "Klantnummer KK-118-204, en hij staat nu tien minuten uit. Zal ik hem weer aanzetten?",
                "Hij knippert nu groen. Dat ziet er blij uit.",
            ],
            "Alles doet het weer. Dank je wel, ook namens het lampje.",
        )
    },
    Script {
        enclosed: Some(BILL),
        nudge: "De vervaldatum van deze rekening is vrijdag, vandaar dat ik het nog eens vraag.",
        ..nl(
            "Rekening KK-R-2044: servicebijdrage staat er twee keer op",
            "Beste mensen,\n\nOp de rekening in de bijlage staat de servicebijdrage twee keer. Eén keer vind ik al dapper.\n\nGraag een verbeterde rekening.\n\nMet vriendelijke groet",
            &["Verrekenen met de volgende maand is prima, als het er dan maar één keer afgaat."],
            "Keurig, dank voor de snelle reactie.",
        )
    },
    Script {
        drawn: Some(
            "<p>Hallo Kabelkraai,</p><p>Mijn bestelling <b>KK-20417</b> zou <i>gisteren</i> komen. De bezorger stuurde dit plaatje als bewijs:</p>\
             <p><img src=\"https://bezorgfotos.example/KK-20417.jpg\" alt=\"foto van een deur\" width=\"320\"></p>\
             <table border=\"1\" cellpadding=\"4\"><tr><td>Onze deur</td><td>groen</td></tr><tr><td>Deur op de foto</td><td>blauw</td></tr></table>\
             <p>Dat is <a href=\"https://www.fietspad.example/onze-deur\">niet onze deur</a>.</p>",
        ),
        nudge: "Is er al iemand bij de blauwe deur langs geweest?",
        ..nl(
            "Bezorgd bij een blauwe deur",
            "Hallo Kabelkraai,\n\nMijn bestelling KK-20417 zou gisteren komen. De bezorger stuurde een foto van een deur als bewijs.\n\nDat is niet onze deur. De onze is groen.",
            &["Ons adres is Fietspad 12, groene deur, klimop ernaast. De postbode vindt het altijd."],
            "Hij is er! Bezorgd door de mevrouw van de blauwe deur zelf. Dank voor het uitzoeken.",
        )
    },
    Script {
        copied: true,
        ..nl(
            "Verhuizen op 1 december, met ons tweeën",
            "Hoi,\n\nWij gaan samenwonen en hebben allebei een abonnement bij jullie. Kan er één stoppen zonder opzegtermijn? Mijn vriend staat in de cc, dan hoort hij het ook.",
            &[
                "Dan stopt het mijne en blijft het zijne. Het nieuwe adres is Kraaienlaan 7.",
                "Eén december is goed. Kan de monteur na vieren?",
            ],
            "Fijn, dan weten we het allebei.",
        )
    },
    Script {
        away: true,
        ..nl(
            "Zakelijk abonnement voor de bakkerij",
            "Goedemorgen,\n\nWe openen een tweede zaak en willen daar ook internet, vanaf vijf uur 's ochtends bereikbaar want dan bakken we. Wat kost dat en hoe snel kan het?",
            &[
                "Sorry voor de late reactie, ik stond bij de oven. De tweede zaak is Dorpsplein 3. Offerte graag op mail.",
            ],
            "Offerte ontvangen en akkoord. Er staat een taart klaar voor de monteur.",
        )
    },
    Script {
        gone: true,
        ..nl(
            "Opzeggen per direct",
            "Ik zeg mijn abonnement op. Dit mailadres vervalt vandaag ook, ik ga een jaar zeilen.\n\nTot nooit of tot volgend jaar.",
            &[],
            "",
        )
    },
    nl(
        "Vraag over oud modem",
        "Dag,\n\nIk heb hier nog een modem van jullie uit 2009. Willen jullie dat terug of mag het naar het museum?",
        &["Dan breng ik hem zondag langs. Krijg ik een bonnetje?"],
        "Top, tot zondag!",
    ),
    Script {
        nudge: "Ik zit nog steeds in de wacht, nu ook per mail.",
        ..nl(
            "Klacht: drie keer doorverbonden",
            "Ik heb gisteren 50 minuten gebeld en ben drie keer doorverbonden, de laatste keer met mezelf.\n\nIk wil graag één persoon die mijn vraag over de factuur van oktober oplost.",
            &[
                "Het gaat om de factuur van 14 oktober, klantnummer KK-118-377.",
                "Dat bedrag klopt. Wanneer krijg ik het terug?",
            ],
            "Dat is netjes opgelost. Jullie mailen beter dan jullie bellen.",
        )
    },
    nl(
        "AVG-verzoek: welke gegevens hebben jullie van mij?",
        "Geachte heer, mevrouw,\n\nOp grond van artikel 15 van de AVG vraag ik om inzage in de gegevens die u van mij verwerkt.\n\nHoogachtend",
        &["Dank. Ik kan me legitimeren in de winkel aan het Dorpsplein, schikt woensdag?"],
        "Ontvangen. Wat een hoop over mijn televisiegedrag. Dank.",
    ),
    Script {
        enclosed: Some(MODEM),
        nudge: "Still red. I have started to find it soothing.",
        ..en(
            "Red light, no internet",
            "Hi there,\n\nThe fourth light on my modem has been red since this morning, see the photo. I restarted it twice and asked it nicely once.\n\nCustomer number KK-220-019.",
            &["KK-220-019. It is off now. How long should I leave it?", "It is blinking green!"],
            "All good again, thank you.",
        )
    },
    Script {
        drawn: Some(
            "<div><h3>Moving house</h3><p>Hello,</p><p>I am moving on the <b>14th</b>. My new place:</p>\
             <p><img src=\"https://pictures.harbour.example/boat.jpg\" alt=\"a boat\" width=\"320\"></p>\
             <ul><li>It is a boat.</li><li>It has a post box.</li><li>It does <u>not</u> have a socket for your cable.</li></ul></div>",
        ),
        ..en(
            "Moving house (to a boat)",
            "Hello,\n\nI am moving on the 14th. My new place is a boat. It has a post box. It does not have a socket for your cable.\n\nCan I keep my subscription?",
            &["Mobile would do. Is there coverage on the harbour?", "Then let's switch on the 14th."],
            "Lovely, thank you. Come aboard some time.",
        )
    },
    Script {
        copied: true,
        ..en(
            "Two bills, one house",
            "Hello,\n\nMy flatmate (in copy) and I both get a bill for the same connection. We were told this would stop in September.\n\nCould you have a look?",
            &["The bills are KK-R-3102 and KK-R-3103. The second one is the wrong one, we think."],
            "Great, we will frame the last one.",
        )
    },
    Script {
        away: true,
        ..en(
            "Router for a small office",
            "Good morning,\n\nWe are eight people and one dog, and the video calls stutter after lunch. Would a different router help, and what would it cost?",
            &["Back at my desk now. Eight people, two floors. The dog needs no Wi-Fi."],
            "Ordered. The dog says thanks.",
        )
    },
    en(
        "Cancelling my father's contract",
        "Dear Kabelkraai,\n\nMy father passed away last month. How do I cancel his contract, and what do you need from me?",
        &["Thank you. I have the certificate as a scan; his customer number was KK-101-556."],
        "Thank you for being kind about it.",
    ),
];
