//! What ordinary texts look like, so that a pattern is looked for by what is rare about it.
//!
//! Rarity decides how fast a set is and never what it finds.

use std::sync::OnceLock;

/// Ordinary values of the fields that policies look into, one a line.
const TEXTS: &str = "\
Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36
Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.6422.112 Safari/537.36 Edg/125.0.2535.67
Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4.1 Safari/605.1.15
Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1
Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/119.0.6045.109 Mobile/15E148 Safari/604.1
Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36
Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36
Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0
Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0
Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)
Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) Chrome/116.0.1938.76 Safari/537.36
/
/index.html
/products/12345
/product/67890/reviews
/category/women/shoes?page=2
/search
/static/js/main.3f2a1b9c.js
/static/css/app.css
/assets/images/logo.png
/images/2048.jpg
/api/v1/users/12345
/api/v2/orders
/api/v1/cart/items
/account/login
/login
/checkout/payment
/blog/2024/05/how-to-choose-running-shoes
/wp-content/themes/main/style.css
/favicon.ico
page=2&sort=price&order=asc
q=running+shoes&color=black&size=42
id=12345&ref=home
utm_source=newsletter&utm_medium=email&utm_campaign=spring_sale
redirect=%2Faccount%2Forders&token=9f86d081884c7d659a2feaa0c55ad015
https://www.example.com/products/12345?ref=search
https://www.google.com/
name@example.com
text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8
en-US,en;q=0.9,de;q=0.7
gzip, deflate, br";

/// How often runs of one to four bytes stand in ordinary texts.
pub(crate) struct Commonplace {
    grams: Vec<(Gram, u32)>,
    lines: u32,
    /// The share of bytes with this high half, and of the low halves 0 to 7 or 8 to 15 any of these.
    shares: Box<[[[f32; 256]; 2]; 16]>,
}

impl Commonplace {
    /// The one there is, made when it is first asked for.
    pub(crate) fn get() -> &'static Commonplace {
        static COMMONPLACE: OnceLock<Commonplace> = OnceLock::new();
        COMMONPLACE.get_or_init(Commonplace::new)
    }

    fn new() -> Commonplace {
        let mut all: Vec<Gram> = Vec::new();
        for line in TEXTS.lines() {
            let bytes = line.as_bytes();
            for width in 1..=4 {
                all.extend(bytes.windows(width).map(gram));
            }
        }
        all.sort_unstable();
        let grams = all
            .chunk_by(|one, other| one == other)
            .filter_map(|run| Some((*run.first()?, u32::try_from(run.len()).ok()?)))
            .collect();
        let lines = u32::try_from(TEXTS.lines().count()).unwrap_or(1);
        Commonplace { grams, lines, shares: shares() }
    }

    pub(crate) fn texts() -> impl Iterator<Item = &'static str> {
        TEXTS.lines()
    }

    /// The share of ordinary bytes whose low half and whose high half are among these.
    pub(crate) fn share(&self, low: u16, high: u16) -> f32 {
        let rows = self.shares.iter().enumerate().filter(|(row, _)| high >> row & 1 == 1);
        rows.map(|(_, [near, far])| {
            let part =
                |table: &[f32; 256], mask: u16| table.get(usize::from(mask & 0xFF)).copied().unwrap_or(0.0);
            part(near, low) + part(far, low >> 8)
        })
        .sum()
    }

    /// How often the first four bytes stand in ordinary texts, in thousandths of a time a text.
    pub(crate) fn often(&self, bytes: &[u8]) -> u32 {
        let key = gram(bytes);
        let at = self.grams.binary_search_by_key(&key, |entry| entry.0);
        let count = at.ok().and_then(|at| self.grams.get(at)).map_or(0, |entry| entry.1);
        count * 1_000 / self.lines.max(1)
    }

    /// [`often`](Self::often) of the rarest four bytes in a row, or of all of it when it is shorter; never 0.
    pub(crate) fn rarest(&self, word: &[u8]) -> u32 {
        let width = word.len().min(4);
        1 + word.windows(width.max(1)).map(|bytes| self.often(bytes)).min().unwrap_or(1_000_000)
    }
}

fn shares() -> Box<[[[f32; 256]; 2]; 16]> {
    let mut shares = Box::new([[[0.0; 256]; 2]; 16]);
    let mut bytes = [1e-4_f32; 256];
    for byte in TEXTS.bytes() {
        if let Some(share) = bytes.get_mut(usize::from(byte)) {
            *share += 1.0 / TEXTS.len() as f32;
        }
    }
    for (halves, bytes) in shares.iter_mut().zip(bytes.chunks(16)) {
        for (table, bytes) in halves.iter_mut().zip(bytes.chunks(8)) {
            for (mask, share) in table.iter_mut().enumerate() {
                *share = bytes
                    .iter()
                    .enumerate()
                    .filter(|(bit, _)| mask >> bit & 1 == 1)
                    .map(|(_, share)| share)
                    .sum();
            }
        }
    }
    shares
}

/// The first four bytes, and how many they are.
type Gram = ([u8; 4], usize);

fn gram(bytes: &[u8]) -> Gram {
    let mut key = [0; 4];
    for (to, from) in key.iter_mut().zip(bytes) {
        *to = *from;
    }
    (key, bytes.len().min(4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ordinary_is_common() {
        let common = Commonplace::get();
        assert!(common.often(b"Moz") > 200);
        assert!(common.often(b"=") > common.often(b"'"));
        assert_eq!(common.often(b"zgra"), 0);
        assert!(common.rarest(b"Mozilla/4") < common.rarest(b"Mozilla/5.0"));
    }
}
