//! Addresses in raw lines, taken out before anybody sees them.

use std::net::IpAddr;
use std::str::FromStr as _;

/// `text` with every address in it replaced by what `mask` makes of it: IPv6 addresses and dotted quads, also such as
/// are no addresses (`999.1.1.1`). `cut`: the text was longer, and its end may cut an address short.
pub(crate) fn addresses(text: &str, cut: bool, mask: impl Fn(Option<IpAddr>) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let run = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let (part, after) = rest.split_at(run);
        match_run(part, cut && after.is_empty(), &mask, &mut out);
        let next = after.find(is_part).unwrap_or(after.len());
        let (between, after) = after.split_at(next);
        out.push_str(between);
        rest = after;
    }
    out
}

/// What addresses are written with.
fn is_part(c: char) -> bool {
    c.is_ascii_hexdigit() || matches!(c, '.' | ':')
}

/// One run of such characters, which may be an address, hold some, or be none.
fn match_run(run: &str, at_end: bool, mask: &impl Fn(Option<IpAddr>) -> String, out: &mut String) {
    let bare = run.trim_end_matches('.');
    let bare = bare.strip_suffix(':').filter(|bare| !bare.ends_with(':')).unwrap_or(bare);
    if let Ok(address) = IpAddr::from_str(bare) {
        out.push_str(&mask(Some(address.to_canonical())));
        out.push_str(run.get(bare.len()..).unwrap_or_default());
        return;
    }
    let mut rest = run;
    while let Some(digit) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, number) = rest.split_at(digit);
        out.push_str(before);
        let length = number.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(number.len());
        let (dotted, after) = number.split_at(length);
        let quad = quad(dotted, at_end && after.is_empty());
        match quad {
            Some(length) => {
                let (quad, after) = number.split_at(length);
                out.push_str(&mask(quad.parse().ok()));
                rest = after;
            }
            None => {
                out.push_str(dotted);
                rest = after;
            }
        }
    }
    out.push_str(rest);
}

/// How long the dotted quad is that `dotted`, of digits and points, begins with; all of it if the text is cut within.
fn quad(dotted: &str, cut: bool) -> Option<usize> {
    let mut length = 0;
    let mut parts = 0;
    for part in dotted.split('.').take(4) {
        if part.len() > 3 || (part.is_empty() && !cut) {
            return None;
        }
        length += part.len() + usize::from(parts > 0);
        parts += 1;
    }
    (parts == 4 || (cut && parts > 1)).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str) -> String {
        addresses(text, false, |address| address.map_or("#?".to_owned(), |_| "#".to_owned()))
    }

    #[test]
    fn addresses_go_and_the_rest_stays() {
        for (text, wanted) in [
            ("192.0.2.1 - - [20/Feb/2016:00:00:45 -0500]", "# - - [20/Feb/2016:00:00:45 -0500]"),
            ("{\"ip\":\"192.0.2.1\",\"v\":1.5}", "{\"ip\":\"#\",\"v\":1.5}"),
            ("2001:db8::1 - -", "# - -"),
            ("[2001:db8::1]:443 ::ffff:192.0.2.7", "[#]:443 #"),
            ("from 192.0.2.1:8080.", "from #:8080."),
            ("999.1.1.1 and 1.2.3.4.5", "#? and #.5"),
            ("abc192.0.2.1", "abc#"),
            ("12:34:56 1.2 face: x.y.z 10.0.1", "12:34:56 1.2 face: x.y.z 10.0.1"),
            ("é 192.0.2.1 ü", "é # ü"),
            ("", ""),
            ("Chrome/43.0.2357.130 Safari/537.36", "Chrome/43.0.2357.130 Safari/537.36"),
        ] {
            assert_eq!(masked(text), wanted, "{text}");
        }
    }

    #[test]
    fn an_address_that_the_end_cuts_goes_too() {
        for (text, wanted) in
            [("x 192.0.2", "x #"), ("x 192.0.", "x #"), ("x 192", "x 192"), ("1.2.3.4", "#")]
        {
            assert_eq!(addresses(text, true, |_| "#".to_owned()), wanted, "{text}");
        }
    }
}
