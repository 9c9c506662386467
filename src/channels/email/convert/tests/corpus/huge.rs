//! Mails of a size or depth that nobody writes and somebody sends.

use super::{Case, base64, html, multipart, part, plain, usual};

pub fn cases() -> Vec<Case> {
    let text = part("Content-Type: text/plain; charset=utf-8", "Groot");
    let nested = |levels: usize| {
        let mut raw = format!("{}Content-Type: multipart/mixed; boundary=b0\r\n\r\n", usual("Diep"));
        for level in 0..levels {
            raw.push_str(&format!("--b{level}\r\nContent-Type: multipart/mixed; boundary=b{}\r\n\r\n", level + 1));
        }
        raw.push_str(&format!("--b{levels}\r\nContent-Type: text/plain\r\n\r\nDiep onderin\r\n"));
        for level in (0..=levels).rev() {
            raw.push_str(&format!("--b{level}--\r\n"));
        }
        raw
    };
    let within = |levels: usize| {
        format!(
            "{}Content-Type: message/rfc822\r\n\r\n{}",
            usual("Diep"),
            "Subject: x\r\nContent-Type: message/rfc822\r\n\r\n".repeat(levels)
        )
    };
    let recipients =
        (0..10_000).map(|n| format!("Klant {n} <klant{n}@thuis.example>")).collect::<Vec<_>>().join(",\r\n ");
    vec![
        Case::new(
            "twelve megabytes attached",
            multipart(
                "mixed",
                &[
                    text.clone(),
                    part(
                        "Content-Type: application/zip; name=groot.zip\nContent-Transfer-Encoding: base64",
                        base64(&vec![0xa7; 12_000_000]),
                    ),
                ],
            ),
        )
        .text("Groot")
        .files(&["groot.zip"]),
        Case::new("ten thousand recipients", format!("{}Cc: {recipients}\r\n\r\nhoi", usual("Iedereen")))
            .text("hoi")
            .from("anna@thuis.example"),
        Case::new("two hundred containers deep", nested(200)).text("Diep onderin"),
        Case::new("twenty thousand containers deep", nested(20_000)).has("Diep"),
        Case::new("two hundred mails deep", within(200)).subject("Diep"),
        Case::new("fifty thousand mails deep", within(50_000)).subject("Diep"),
        Case::new(
            "mails deep inside base64",
            multipart(
                "mixed",
                &[
                    text,
                    part(
                        "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64",
                        base64(within(20_000).as_bytes()),
                    ),
                ],
            ),
        )
        .text("Groot"),
        Case::new("one line of two megabytes", plain("", &"woord ".repeat(350_000))).has("woord").has("[…]"),
        Case::new("a million empty lines", plain("", &format!("boven{}onder", "\n".repeat(1_000_000))))
            .has("boven")
            .has("onder"),
        Case::new("a million quoted lines", plain("", &format!("boven\n{}", "> x\n".repeat(300_000)))).text("boven"),
        Case::new("html two hundred thousand levels deep", html(&format!("{}diep", "<div>".repeat(200_000))))
            .text("diep"),
        Case::new(
            "html of formatting that never closes",
            html(&format!("{}vet", "<b><i><a href=https://x.example>".repeat(30_000))),
        )
        .has("vet"),
        Case::new(
            "html of a link that never closes, before ten thousand lines",
            html(&format!("<a href=\"https://x.example/{}\">{}", "A".repeat(50_000), "<hr>x".repeat(10_000))),
        )
        .has("x"),
        Case::new("html with a million tags", html(&"<br>".repeat(1_000_000))).text("[…]"),
        Case::new(
            "a tag with a hundred thousand attributes",
            html(&format!("<p {}>hoi</p>", (0..100_000).map(|n| format!("a{n}=1 ")).collect::<String>())),
        )
        .text("hoi"),
        Case::new("half a million open comments", html(&format!("hoi{}", "<!--".repeat(500_000)))).text("hoi"),
        Case::new("a million ampersands", html(&format!("hoi{}", "&".repeat(1_000_000)))).has("hoi"),
    ]
}
