//! Addresses and telephone numbers as evidence of who somebody is: written in one way, or not at all.
//!
//! Promises: the same address or number always gives the same value; what cannot be read for certain gives none.
//! Must not: say that a claim is true; who vouches for it decides `verified`.

use crate::model::{Claim, ClaimKind};

/// An e-mail address; `None` when it is none. Lower case as a whole: no provider in use keeps two people apart by case.
#[must_use]
pub fn email(address: &str, verified: bool) -> Option<Claim> {
    let address = address.trim().to_lowercase();
    let (name, host) = address.rsplit_once('@')?;
    let strange = |c: char| c.is_whitespace() || c.is_control() || "<>()[],;:\\\"".contains(c);
    let fits = !name.is_empty()
        && host.contains('.')
        && !host.starts_with('.')
        && !host.ends_with('.')
        && address.len() <= 254
        && !address.contains(strange);
    fits.then_some(Claim { kind: ClaimKind::Email, value: address, verified })
}

/// A telephone number in E.164. `country` (`+31`) is put before a number that begins with one 0; without it such a number
/// could be anywhere and gives none.
#[must_use]
pub fn phone(number: &str, country: Option<&str>, verified: bool) -> Option<Claim> {
    // `+31 (0)6 …`: the nought in brackets is not dialled from abroad.
    let number = number.trim().replace("(0)", "");
    let mut digits = String::new();
    for c in number.chars() {
        match c {
            '0'..='9' => digits.push(c),
            '+' if digits.is_empty() => digits.push(c),
            ' ' | '-' | '.' | '/' | '(' | ')' | '\u{a0}' | '\u{2011}' | '\u{2013}' => {}
            _ => return None,
        }
    }
    let value = if digits.starts_with('+') {
        digits
    } else if let Some(rest) = digits.strip_prefix("00") {
        format!("+{rest}")
    } else {
        format!("{}{}", country?, digits.strip_prefix('0')?)
    };
    let length = value.len() - 1;
    let fits = (8..=15).contains(&length) && !value.starts_with("+0");
    fits.then_some(Claim { kind: ClaimKind::Phone, value, verified })
}

/// The organisation's own key for a customer.
#[must_use]
pub fn customer(key: &str, verified: bool) -> Option<Claim> {
    let key = key.trim();
    (!key.is_empty() && key.len() <= 200).then(|| Claim { kind: ClaimKind::Customer, value: key.to_owned(), verified })
}

#[cfg(test)]
mod tests {
    use super::{customer, email, phone};

    #[test]
    fn a_number_is_the_same_however_it_is_written() {
        for written in ["+31 6 1234 5678", "0031612345678", "06-12345678", "+31 (0)6 12.34.56.78", "(06) 12 34 56 78"] {
            let claim = phone(written, Some("+31"), false).unwrap();
            assert_eq!(claim.value, "+31612345678", "{written}");
        }
        assert_eq!(phone("06-12345678", None, false), None, "it could be anywhere");
        for none in
            ["", "112", "bel me", "+31 6 1234 5678 toestel 4", "+0123456789", "++31612345678", "+3161234567890123"]
        {
            assert_eq!(phone(none, Some("+31"), false), None, "{none}");
        }
    }

    #[test]
    fn an_address_is_an_address_or_nothing() {
        assert_eq!(email(" Noor@Voorbeeld.NL ", true).unwrap().value, "noor@voorbeeld.nl");
        for none in ["", "noor", "@x.nl", "noor@x", "a b@x.nl", "Noor <noor@x.nl>", "a@x.nl,b@x.nl", "a@.nl", "a@x.nl."]
        {
            assert_eq!(email(none, false), None, "{none}");
        }
        assert_eq!(customer(" K-7 ", true).unwrap().value, "K-7");
        assert_eq!(customer("  ", true), None);
    }
}
