//! Character sets, transfer encodings, and how parts may be put together.

use super::{Case, base64, html, joined, multipart, part, plain, quoted_printable, single, usual};

pub fn cases() -> Vec<Case> {
    let mut cases = charsets();
    cases.extend(mislabelled());
    cases.extend(encodings());
    cases.extend(structures());
    cases.extend(markup());
    cases
}

fn charsets() -> Vec<Case> {
    let known: &[(&str, &[u8], &str)] = &[
        ("utf-8", "Waar is mijn café-pakket? Grüße 😀".as_bytes(), "Waar is mijn café-pakket? Grüße 😀"),
        ("iso-8859-1", b"caf\xe9 ge\xefnteresseerd", "café geïnteresseerd"),
        ("windows-1252", b"\x93caf\xe9\x94 \x80 5", "“café” € 5"),
        ("iso-8859-15", b"\xa4 5 caf\xe9", "€ 5 café"),
        ("iso-8859-2", b"Pros\xedm, kde je m\xf9j bal\xedk", "Prosím, kde je můj balík"),
        ("windows-1250", b"Zelo rada grem v sla\x9a\xe8i\xe8arno", "Zelo rada grem v slaščičarno"),
        ("koi8-r", b"\xf0\xd2\xc9\xd7\xc5\xd4, \xcd\xc9\xd2", "Привет, мир"),
        ("windows-1251", b"\xcf\xf0\xe8\xe2\xe5\xf2, \xec\xe8\xf0", "Привет, мир"),
        ("iso-8859-7", b"\xc3\xe5\xe9\xdc \xf3\xef\xf5", "Γειά σου"),
        ("iso-8859-8", b"\xf9\xec\xe5\xed \xf2\xe5\xec\xed", "שלום עולם"),
        ("windows-1256", b"\xe3\xd1\xcd\xc8\xc7", "مرحبا"),
        ("windows-1254", b"Kebab\xfdm\xfd", "Kebabımı"),
        ("iso-2022-jp", b"\x1b$B%O%m!<\x1b(B", "ハロー"),
        ("shift_jis", b"\x83n\x83\x8D\x81[", "ハロー"),
        ("euc-jp", b"\xa5\xcf\xa5\xed\xa1\xbc", "ハロー"),
        ("gb2312", b"\xc4\xe3\xba\xc3", "你好"),
        ("big5", b"\xa7A\xa6n", "你好"),
        ("euc-kr", b"\xbe\xc8\xb3\xe7", "안녕"),
        ("us-ascii", b"Gewoon ASCII", "Gewoon ASCII"),
        ("macintosh", b"caf\x8e", "café"),
    ];
    let mut cases = Vec::new();
    for (label, bytes, text) in known {
        let kind = format!("text/plain; charset={label}");
        cases.push(Case::new(format!("{label} as it is"), single(&kind, "8bit", bytes)).text(*text));
        cases.push(
            Case::new(
                format!("{label} quoted-printable"),
                single(&kind, "quoted-printable", quoted_printable(bytes).as_bytes()),
            )
            .text(*text),
        );
        cases.push(Case::new(format!("{label} base64"), single(&kind, "base64", base64(bytes).as_bytes())).text(*text));
    }
    cases.push(
        Case::new(
            "utf-16 base64",
            single("text/plain; charset=utf-16", "base64", base64(b"\xff\xfeh\0o\0i\0").as_bytes()),
        )
        .text("hoi"),
    );
    cases.push(Case::new("utf-7", single("text/plain; charset=utf-7", "7bit", b"caf+AOk-")).text("café"));
    cases
}

fn mislabelled() -> Vec<Case> {
    let utf8 = "Mijn café is geïnteresseerd".as_bytes();
    let latin: &[u8] = b"Mijn caf\xe9 is ge\xefnteresseerd";
    [
        ("text/plain; charset=iso-8859-1", utf8),
        ("text/plain; charset=us-ascii", utf8),
        ("text/plain", utf8),
        ("text/plain; charset=\"\"", utf8),
        ("text/plain; charset=unknown-8bit", utf8),
        ("text/plain; charset=UTF8", utf8),
        ("text/plain;charset=\"UTF-8\";", utf8),
        ("TEXT/PLAIN; CHARSET=utf-8", utf8),
        ("text/plain; charset=utf-8", latin),
        ("text/plain; charset=ascii", latin),
        ("text/plain; charset=x-zomaar", latin),
        ("text/plain", latin),
        ("text", utf8),
        ("", utf8),
    ]
    .into_iter()
    .map(|(kind, bytes)| {
        Case::new(format!("mislabelled {kind} {}", bytes.len()), single(kind, "8bit", bytes))
            .text("Mijn café is geïnteresseerd")
    })
    .collect()
}

fn encodings() -> Vec<Case> {
    let kind = "text/plain; charset=utf-8";
    vec![
        Case::new("base64 with rubbish", single(kind, "base64", b"aG9pIGRh!!Zw==\r\n-- \r\n")).has("hoi dag"),
        Case::new("base64 without padding", single(kind, "base64", b"aG9pIGRhZw")).text("hoi dag"),
        Case::new("base64 in pieces", single(kind, "base64", b"aG9p\r\nIA==\r\nZGFn")).text("hoi dag"),
        Case::new("base64 that is none", single(kind, "base64", "…".as_bytes())).text("…"),
        Case::new("encoding in capitals", single(kind, "BASE64", b"aG9p")).text("hoi"),
        Case::new("encoding with a comment", single(kind, "quoted-printable (see rfc)", b"caf=C3=A9")).text("café"),
        Case::new("unknown encoding", single(kind, "x-zomaar", b"hoi")).text("hoi"),
        Case::new("quoted-printable broken", single(kind, "quoted-printable", b"caf=C3=A9 =ZZ =\r\nverder="))
            .text("café =ZZ verder"),
        Case::new("quoted-printable in lower case", single(kind, "quoted-printable", b"caf=c3=a9")).text("café"),
        Case::new("quoted-printable with blanks after the break", single(kind, "quoted-printable", b"aan= \r\nelkaar"))
            .text("aanelkaar"),
        Case::new(
            "flowed",
            single(
                "text/plain; charset=utf-8; format=flowed",
                "7bit",
                b"Dit is een \r\nlange regel.\r\n\r\n-- \r\nAnna",
            ),
        )
        .text("Dit is een lange regel.")
        .quoted("Anna"),
        Case::new(
            "flowed, spaces deleted",
            single("text/plain; charset=utf-8; format=flowed; delsp=yes", "7bit", b"boven \r\nleiding"),
        )
        .text("bovenleiding"),
        Case::new("NUL in the text", plain("", "a\0b")).text("ab"),
        Case::new("emoji and joiners", plain("", "👩‍👩‍👧 🇳🇱 👍🏽")).text("👩‍👩‍👧 🇳🇱 👍🏽"),
        Case::new("right to left", plain("", "مرحبا، أين طلبي؟")).text("مرحبا، أين طلبي؟"),
        Case::new("byte order mark in the text", plain("", "\u{feff}hoi")).text("hoi"),
        Case::new("empty text", plain("", "")).text("Vraag"),
        Case::new("white space only", plain("", " \n\n \t")).text("Vraag"),
    ]
}

fn structures() -> Vec<Case> {
    let text = || part("Content-Type: text/plain; charset=utf-8", "Platte tekst");
    let rich = || part("Content-Type: text/html; charset=utf-8", "<p>Rijke <b>tekst</b></p>");
    let image =
        |more: &str| part(&format!("Content-Type: image/png\nContent-Transfer-Encoding: base64{more}"), "iVBORw0KGgo=");
    let nested = |kind: &str, boundary: &str, parts: &[Vec<u8>]| {
        part(&format!("Content-Type: multipart/{kind}; boundary={boundary}"), joined(boundary, parts))
    };
    let mut cases = vec![
        Case::new("alternative", multipart("alternative", &[text(), rich()])).text("Rijke tekst").files(&[]),
        Case::new("alternative, html first", multipart("alternative", &[rich(), text()])).text("Rijke tekst").files(&[]),
        Case::new("alternative with an empty html", multipart("alternative", &[text(), part("Content-Type: text/html", "<html></html>")])).text("Platte tekst"),
        Case::new("mixed in related in alternative", multipart("mixed", &[nested("related", "r1", &[nested("alternative", "a1", &[text(), rich()]), image("\nContent-ID: <p1@x>\nContent-Disposition: inline; filename=logo.png")]), part("Content-Type: application/pdf; name=factuur.pdf\nContent-Disposition: attachment; filename=factuur.pdf", "%PDF-1.4")])).text("Rijke tekst").files(&["logo.png", "factuur.pdf"]),
        Case::new("text, picture, text (Apple)", multipart("mixed", &[text(), image("\nContent-Disposition: inline; filename=foto.png"), part("Content-Type: text/plain; charset=utf-8", "Nog meer")])).text("Platte tekst\n\nNog meer").files(&["foto.png"]),
        Case::new("html with a plain footer", multipart("mixed", &[rich(), part("Content-Type: text/plain; charset=utf-8", "Voettekst van de lijst")])).has("Rijke tekst").has("Voettekst van de lijst").files(&[]),
        Case::new("a text file is a file", multipart("mixed", &[text(), part("Content-Type: text/plain; name=log.txt\nContent-Disposition: attachment; filename=log.txt", "regel")])).text("Platte tekst").files(&["log.txt"]),
        Case::new("one part only", multipart("mixed", &[text()])).text("Platte tekst"),
        Case::new("no parts", multipart("mixed", &[])).text("Vraag"),
        Case::new("unknown container", multipart("zomaar", &[text()])).text("Platte tekst"),
        Case::new("parallel", multipart("parallel", &[text(), image("\nContent-Disposition: attachment; filename=a.png")])).text("Platte tekst").files(&["a.png"]),
        Case::new("part without fields", multipart("mixed", &[part("", "Kaal")])).has("Kaal"),
        Case::new("a forwarded mail inside", multipart("mixed", &[text(), part("Content-Type: message/rfc822", format!("{}\r\nBinnenin", usual("Binnen")))])).text("Platte tekst").files(&["Binnen.eml"]),
        Case::new("a forwarded mail in base64", multipart("mixed", &[text(), part("Content-Type: message/rfc822\nContent-Transfer-Encoding: base64", base64(format!("{}\r\nBinnenin", usual("Binnen")).as_bytes()))])).text("Platte tekst").files(&["Binnen.eml"]),
        Case::new("a digest", multipart("digest", &[part("", format!("{}\r\nEen", usual("Een"))), part("", format!("{}\r\nTwee", usual("Twee")))])).files(&["Een.eml", "Twee.eml"]),
        Case::new("external body", multipart("mixed", &[text(), part("Content-Type: message/external-body; access-type=URL; url=\"https://x.example\"", "Content-Type: text/plain\r\n\r\n")])).text("Platte tekst"),
        Case::new("html only", html("<p>Rijke <b>tekst</b></p>")).text("Rijke tekst"),
        Case::new("html without a charset", single("text/html", "8bit", "<meta charset=utf-8><p>café</p>".as_bytes())).text("café"),
        Case::new("type in two fields", single("text/plain\r\nContent-Type: text/html", "8bit", b"hoi")).has("hoi"),
        Case::new("only a picture", single("image/png; name=foto.png", "base64", b"iVBORw0KGgo=")).text("Vraag").files(&["foto.png"]),
        Case::new("only a pdf", single("application/pdf; name=brief.pdf", "base64", b"JVBERi0xLjQ=")).text("Vraag").files(&["brief.pdf"]),
    ];
    let mut broken = multipart("mixed", &[text(), rich()]);
    broken.truncate(broken.len() - 40);
    cases.push(Case::new("cut off in the middle", broken).has("Platte tekst"));
    let raw = |fields: &str, body: &str| format!("{}{fields}\r\n\r\n{body}", usual("Vraag"));
    cases.extend([
        Case::new("boundary never used", raw("Content-Type: multipart/mixed; boundary=nergens", "Toch tekst")).has("Toch tekst"),
        Case::new("boundary missing", raw("Content-Type: multipart/mixed", "--x\r\n\r\nToch tekst\r\n--x--")).has("Toch tekst"),
        Case::new("boundary empty", raw("Content-Type: multipart/mixed; boundary=\"\"", "--\r\n\r\nToch tekst\r\n----")).has("Toch tekst"),
        Case::new("boundary with odd characters", raw("Content-Type: multipart/mixed; boundary=\"=_?x'()+,-./:=?y\"", "--=_?x'()+,-./:=?y\r\n\r\nToch tekst\r\n--=_?x'()+,-./:=?y--")).text("Toch tekst"),
        Case::new("boundary without end", raw("Content-Type: multipart/mixed; boundary=b", "--b\r\nContent-Type: text/plain\r\n\r\nToch tekst")).text("Toch tekst"),
        Case::new("preamble and epilogue", raw("Content-Type: multipart/mixed; boundary=b", "Dit is MIME\r\n--b\r\n\r\nToch tekst\r\n--b--\r\nNawoord")).text("Toch tekst"),
        Case::new("inner boundary is the outer's beginning", raw("Content-Type: multipart/mixed; boundary=b", "--b\r\nContent-Type: multipart/alternative; boundary=bb\r\n\r\n--bb\r\n\r\nBinnen\r\n--bb--\r\n--b--")).has("Binnen"),
        Case::new("boundary folded", raw("Content-Type: multipart/mixed;\r\n\tboundary=\"b\"", "--b\r\n\r\nToch tekst\r\n--b--")).text("Toch tekst"),
        Case::new("alternative with an invitation", raw("Content-Type: multipart/alternative; boundary=b", "--b\r\nContent-Type: text/plain\r\n\r\nKomt u?\r\n--b\r\nContent-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nSUMMARY:Bespreking\r\nDTSTART:20260304T140000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n--b--")).has("Komt u?").has("📅 Bespreking · 2026-03-04 14:00 UTC").files(&["invite.ics"]),
    ]);
    cases
}

fn markup() -> Vec<Case> {
    [
        ("<p>Hoi<script>alert(1)</script></p>", "Hoi"),
        ("<style>p{color:red}</style><p>Hoi</p>", "Hoi"),
        ("<svg onload=alert(1)><script>x</script></svg>Hoi", "Hoi"),
        ("<p onclick=\"x()\" style=\"background:url(https://spion.example/x)\">Hoi</p>", "Hoi"),
        ("<img src=\"https://spion.example/pixel.gif\" width=1 height=1><p>Hoi</p>", "Hoi"),
        ("<a href=\"javascript:alert(1)\">Hoi</a>", "Hoi"),
        ("<form action=https://kwaad.example><input name=wachtwoord></form><p>Hoi</p>", "Hoi"),
        ("<meta http-equiv=refresh content=\"0;url=https://kwaad.example\"><p>Hoi</p>", "Hoi"),
        ("<base href=https://kwaad.example><p>Hoi</p>", "Hoi"),
        ("<div style=\"display:none\">verborgen voorproefje</div><p>Hoi</p>", "Hoi"),
        ("<!--[if mso]><p>Outlook</p><![endif]--><p>Hoi</p>", "Hoi"),
        ("<p>Hoi", "Hoi"),
        ("<table><tr><td>Hoi</table>", "Hoi"),
        ("<p>&nbsp;</p><p class=MsoNormal>Hoi<o:p></o:p></p>", "Hoi"),
        (
            "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
            "Vraag",
        ),
    ]
    .into_iter()
    .enumerate()
    .map(|(n, (body, text))| {
        Case::new(format!("markup {n}"), html(body)).text(text).has_not("alert").has_not("spion").has_not("javascript")
    })
    .collect()
}
