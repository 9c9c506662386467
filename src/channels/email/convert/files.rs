//! What is attached to a mail.
//!
//! Promises: every part that is not the text that is shown is a file with its content; a name can neither leave its folder nor pretend
//! to be of another kind than it is; programs are pointed out. Must not: open what is encrypted or archived.

use bytes::Bytes;
use mail_parser::{MessagePart, MimeHeaders, PartType};

use super::head::{tidy, words};
use super::parse::{Parsed, kind};
use crate::channels::File;
use crate::model::{Answered, AttachmentKind};

/// A mail with more is a container, not a letter; the original has them all.
const MOST: usize = 100;

/// What was found, and what to tell about it.
pub(super) struct Files {
    pub files: Vec<File>,
    pub fields: Vec<Answered>,
}

/// Every attachment; `shown` are the parts that are the text.
pub(super) fn read(parsed: &Parsed<'_>, shown: &[u32]) -> Files {
    let (mut files, mut fields, mut left) = (Vec::new(), Vec::new(), 0);
    for (at, part) in parsed.parts().iter().enumerate() {
        if matches!(part.body, PartType::Multipart(_)) || u32::try_from(at).is_ok_and(|at| shown.contains(&at)) {
            continue;
        }
        if files.len() == MOST {
            left += 1;
            continue;
        }
        let bytes = parsed.bytes(part);
        // The other form of a text that is shown, or nothing at all.
        if bytes.iter().all(u8::is_ascii_whitespace) && part.attachment_name().is_none() {
            continue;
        }
        let file = file(part, bytes, files.len() + 1);
        if let Some(name) = file.name.as_deref().filter(|name| is_program(name)) {
            fields.push(Answered { label: "⚠".to_owned(), value: name.to_owned() });
        }
        files.push(file);
    }
    if left > 0 {
        fields.push(Answered { label: "📎".to_owned(), value: format!("+{left}") });
    }
    Files { files, fields }
}

fn file(part: &MessagePart<'_>, bytes: Vec<u8>, number: usize) -> File {
    let mime = kind(part);
    let name = part.attachment_name().map(file_name).filter(|name| !name.is_empty());
    let name = name.unwrap_or_else(|| made_up_name(&mime, &bytes, number));
    let kind = match mime.split('/').next() {
        Some("image") => AttachmentKind::Image,
        Some("video") => AttachmentKind::Video,
        Some("audio") => AttachmentKind::Audio,
        _ => AttachmentKind::File,
    };
    File {
        kind,
        content_id: part
            .content_id()
            .map(|id| id.trim().trim_matches(['<', '>']).to_owned())
            .filter(|id| !id.is_empty()),
        mime: Some(mime),
        name: Some(name),
        size: i64::try_from(bytes.len()).ok(),
        content: Some(Bytes::from(bytes)),
        ..File::default()
    }
}

/// A name without folders, without control characters, without marks that turn it around; its end is kept.
pub(super) fn file_name(raw: &str) -> String {
    let name = tidy(&words(raw));
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default().trim().trim_start_matches('.');
    let count = name.chars().count();
    if count <= 150 {
        return name.to_owned();
    }
    let head: String = name.chars().take(100).collect();
    let tail: String = name.chars().skip(count - 40).collect();
    format!("{head}…{tail}")
}

fn made_up_name(mime: &str, bytes: &[u8], number: usize) -> String {
    let ending = match mime {
        "message/rfc822" | "message/global" => {
            let subject = super::head::Head::of(bytes).text("subject").map(|subject| file_name(&subject));
            if let Some(subject) = subject.filter(|subject| !subject.is_empty()) {
                return format!("{subject}.eml");
            }
            "eml"
        }
        "text/calendar" => return "invite.ics".to_owned(),
        "message/delivery-status" => return "delivery-status.txt".to_owned(),
        "text/rfc822-headers" => return "headers.txt".to_owned(),
        "application/pkcs7-mime" | "application/x-pkcs7-mime" => return "smime.p7m".to_owned(),
        "application/pkcs7-signature" | "application/x-pkcs7-signature" => return "smime.p7s".to_owned(),
        "application/pgp-signature" => return "signature.asc".to_owned(),
        "application/ms-tnef" => return "winmail.dat".to_owned(),
        "text/plain" => "txt",
        "text/html" => "html",
        "text/vcard" | "text/x-vcard" => "vcf",
        "text/csv" => "csv",
        "image/jpeg" => "jpg",
        "image/png" => "png",
        "image/gif" => "gif",
        "image/webp" => "webp",
        "image/svg+xml" => "svg",
        "application/pdf" => "pdf",
        "application/zip" => "zip",
        "audio/mpeg" => "mp3",
        "video/mp4" => "mp4",
        _ => "bin",
    };
    format!("attachment-{number}.{ending}")
}

/// Names that run when they are opened.
fn is_program(name: &str) -> bool {
    const ENDINGS: &[&str] = &[
        "exe", "com", "scr", "bat", "cmd", "pif", "vbs", "vbe", "js", "jse", "wsf", "wsh", "msi", "msp", "hta", "cpl",
        "jar", "lnk", "ps1", "psm1", "reg", "iso", "img", "vhd", "docm", "xlsm", "pptm", "xll", "chm", "app", "dmg",
        "sh", "one",
    ];
    name.rsplit_once('.').is_some_and(|(_, ending)| ENDINGS.contains(&ending.trim().to_ascii_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::{file_name, is_program};

    #[test]
    fn a_name_stays_in_its_folder_and_says_what_it_is() {
        for (raw, expected) in [
            ("../../etc/passwd", "passwd"),
            ("C:\\Temp\\factuur.pdf", "factuur.pdf"),
            ("factuur\u{202e}fdp.exe", "factuurfdp.exe"),
            ("a\r\nb\0c.txt", "a b c.txt"),
            ("=?utf-8?Q?caf=C3=A9.pdf?=", "café.pdf"),
            (".htaccess", "htaccess"),
            ("..", ""),
        ] {
            assert_eq!(file_name(raw), expected, "{raw:?}");
        }
        assert!(file_name(&"é".repeat(500)).chars().count() <= 150);
        assert!(is_program("factuur.pdf.EXE") && !is_program("factuur.pdf") && !is_program("exe"));
    }
}
