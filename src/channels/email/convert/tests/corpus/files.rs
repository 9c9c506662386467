//! Attachments, invitations, sealed mail.

use super::{Case, base64, joined, multipart, part, plain, single};

pub fn cases() -> Vec<Case> {
    let mut cases = names();
    cases.extend(kinds());
    cases.extend(sealed());
    cases
}

fn text() -> Vec<u8> {
    part("Content-Type: text/plain; charset=utf-8", "Zie bijlage")
}

fn with(fields: &str) -> Vec<u8> {
    multipart("mixed", &[text(), part(fields, "inhoud")])
}

fn names() -> Vec<Case> {
    [
        ("Content-Type: application/pdf\nContent-Disposition: attachment; filename=factuur.pdf", "factuur.pdf"),
        ("Content-Type: application/pdf; name=factuur.pdf", "factuur.pdf"),
        ("Content-Type: application/pdf\nContent-Disposition: attachment; filename=\"met spaties.pdf\"", "met spaties.pdf"),
        ("Content-Type: application/pdf\nContent-Disposition: attachment; filename*=UTF-8''caf%C3%A9.pdf", "café.pdf"),
        ("Content-Type: application/pdf\nContent-Disposition: attachment; filename*=iso-8859-1'nl'caf%E9.pdf", "café.pdf"),
        ("Content-Type: application/pdf\nContent-Disposition: attachment; filename*0=\"een \"; filename*1=\"lange \"; filename*2=\"naam.pdf\"", "een lange naam.pdf"),
        ("Content-Type: application/pdf\nContent-Disposition: attachment; filename=\"=?utf-8?Q?caf=C3=A9.pdf?=\"", "café.pdf"),
        ("Content-Type: application/pdf\nContent-Disposition: attachment; filename=\"../../etc/passwd\"", "passwd"),
        ("Content-Type: application/pdf\nContent-Disposition: attachment; filename=\"C:\\\\Temp\\\\x.pdf\"", "x.pdf"),
        ("Content-Type: application/pdf\nContent-Disposition: attachment; filename=factuur\u{202e}fdp.exe", "factuurfdp.exe"),
        ("Content-Type: application/pdf", "attachment-1.pdf"),
        ("Content-Type: application/zomaar\nContent-Disposition: attachment", "attachment-1.bin"),
        ("Content-Type: image/jpeg\nContent-Disposition: attachment; filename=\"\"", "attachment-1.jpg"),
        ("Content-Type: text/vcard; name=anna.vcf\nContent-Disposition: attachment", "anna.vcf"),
        ("Content-Type: application/x-msdownload; name=factuur.exe", "factuur.exe"),
        ("Content-Type: image/svg+xml; name=plaatje.svg\nContent-Disposition: attachment", "plaatje.svg"),
    ]
    .into_iter()
    .map(|(fields, name)| Case::new(format!("file {name} {}", fields.len()), with(fields)).text("Zie bijlage").files(&[name]))
    .collect()
}

fn kinds() -> Vec<Case> {
    let event = |method: &str, more: &str| {
        format!(
            "BEGIN:VCALENDAR\r\nMETHOD:{method}\r\nBEGIN:VEVENT\r\nSUMMARY:Bespreking\\, reclamatie\r\nDTSTART;TZID=Europe/Amsterdam:20260304T140000\r\nDTEND;TZID=Europe/Amsterdam:20260304T150000\r\nLOCATION:Utrecht\r\nORGANIZER;CN=Anna:mailto:anna@thuis.example\r\n{more}END:VEVENT\r\nEND:VCALENDAR\r\n"
        )
    };
    let mut tnef = b"\x78\x9f\x3e\x22\x01\x00".to_vec();
    tnef.extend([7; 400]);
    vec![
        Case::new("winmail.dat", multipart("mixed", &[text(), part("Content-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=winmail.dat", base64(&tnef))])).has("Zie bijlage").has("winmail.dat").files(&["winmail.dat"]),
        Case::new("invitation alone", single("text/calendar; method=REQUEST; charset=utf-8", "8bit", event("REQUEST", "").as_bytes())).has("📅 Bespreking, reclamatie · 2026-03-04 14:00 Europe/Amsterdam").has("Utrecht"),
        Case::new("invitation attached", multipart("mixed", &[text(), part("Content-Type: application/ics; name=invite.ics\nContent-Disposition: attachment; filename=invite.ics", event("REQUEST", ""))])).has("Zie bijlage").has("📅 Bespreking").files(&["invite.ics"]),
        Case::new("invitation withdrawn", multipart("mixed", &[text(), part("Content-Type: text/calendar; method=CANCEL", event("CANCEL", "STATUS:CANCELLED\r\n"))])).has("📅 ✗ Bespreking"),
        Case::new("invitation answered", multipart("mixed", &[text(), part("Content-Type: text/calendar; method=REPLY", event("REPLY", ""))])).has("📅 ✓ Bespreking"),
        Case::new("invitation that is none", multipart("mixed", &[text(), part("Content-Type: text/calendar", "BEGIN:VCALENDAR")])).text("Zie bijlage"),
        Case::new("picture in the text", multipart("related", &[part("Content-Type: text/html", "<p>Zie <img src=\"cid:foto1\" alt=\"foto\"></p>"), part("Content-Type: image/png; name=foto.png\nContent-ID: <foto1>\nContent-Transfer-Encoding: base64\nContent-Disposition: inline", "iVBORw0KGgo=")])).text("Zie [foto]").files(&["foto.png"]),
        Case::new("uuencoded in the text", plain("", "Zie\n\nbegin 644 x.txt\n#:&]I\n`\nend\n")).has("begin 644"),
        Case::new("an empty file", multipart("mixed", &[text(), part("Content-Type: application/pdf; name=leeg.pdf", "")])).files(&["leeg.pdf"]),
        Case::new("sixty files", multipart("mixed", &(0..60).map(|n| part(&format!("Content-Type: image/png; name=f{n}.png\nContent-Disposition: attachment"), "x")).collect::<Vec<_>>())).subject("Vraag"),
        Case::new("three hundred files", multipart("mixed", &(0..300).map(|n| part(&format!("Content-Type: image/png; name=f{n}.png\nContent-Disposition: attachment"), "x")).collect::<Vec<_>>())).subject("Vraag"),
    ]
}

fn sealed() -> Vec<Case> {
    let armour = "-----BEGIN PGP MESSAGE-----\r\n\r\nhQEMA1234\r\n=abcd\r\n-----END PGP MESSAGE-----";
    vec![
        Case::new("S/MIME, encrypted", single("application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m", "base64", base64(&[48; 200]).as_bytes())).has("S/MIME").files(&["smime.p7m"]),
        Case::new("S/MIME, opaque signature", single("application/x-pkcs7-mime; smime-type=signed-data; name=smime.p7m", "base64", base64(&[48; 200]).as_bytes())).has("S/MIME").files(&["smime.p7m"]),
        Case::new("S/MIME, signature beside", multipart("signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256", &[text(), part("Content-Type: application/pkcs7-signature; name=smime.p7s\nContent-Transfer-Encoding: base64", base64(&[48; 90]))])).text("Zie bijlage").files(&["smime.p7s"]),
        Case::new("PGP/MIME, encrypted", multipart("encrypted; protocol=\"application/pgp-encrypted\"", &[part("Content-Type: application/pgp-encrypted", "Version: 1"), part("Content-Type: application/octet-stream; name=encrypted.asc", armour)])).has("PGP").files(&["attachment-1.bin", "encrypted.asc"]),
        Case::new("PGP/MIME, signed", multipart("signed; protocol=\"application/pgp-signature\"", &[text(), part("Content-Type: application/pgp-signature; name=signature.asc", "-----BEGIN PGP SIGNATURE-----")])).text("Zie bijlage").files(&["signature.asc"]),
        Case::new("PGP in the text", plain("", armour)).has("BEGIN PGP MESSAGE").has("🔒 PGP"),
        Case::new("PGP signature in the text", plain("", "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nHoi\n-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n")).has("Hoi"),
        Case::new("signed within encrypted", multipart("mixed", &[part("Content-Type: multipart/signed; boundary=s", joined("s", &[text(), part("Content-Type: application/pgp-signature", "x")])), part("Content-Type: application/pkcs7-mime; name=smime.p7m", "y")])).has("Zie bijlage").has("S/MIME"),
    ]
}
