//! Scores a login policy against labelled addresses, request by request.
//!
//! The truth is independent of the product: login posts are found in the log's own text (a `POST` whose path holds
//! `wp-login.php` or `xmlrpc.php`), labels come from a table of addresses. A post counts as stopped only when the
//! decision on that very line says so; those before detection count against us.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;

/// Verdicts that stop a request.
const STOPPING: [&str; 6] = ["challenge", "step-up", "redirect", "deceive", "hold", "block"];

/// A decision's verdict by input line, as `weir replay --decisions` writes them.
#[derive(Debug, Default)]
pub struct Verdicts {
    stopped: HashSet<u64>,
    throttled: HashSet<u64>,
}

impl Verdicts {
    /// Reads NDJSON decisions; a line that is none is an error.
    ///
    /// # Errors
    /// With the first line that has no `seq` or `verdict`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut verdicts = Self::default();
        for (at, line) in text.lines().enumerate() {
            let value: serde_json::Value =
                serde_json::from_str(line).map_err(|error| format!("decision {at}: {error}"))?;
            let seq = value.get("seq").and_then(serde_json::Value::as_u64);
            let verdict = value.get("verdict").and_then(serde_json::Value::as_str);
            let (Some(seq), Some(verdict)) = (seq, verdict) else {
                return Err(format!("decision {at}: no `seq` or no `verdict`"));
            };
            if STOPPING.contains(&verdict) {
                verdicts.stopped.insert(seq);
            } else if verdict == "throttle" {
                // A verdict of throttle is given only to requests over the rate: they have no response.
                verdicts.throttled.insert(seq);
            }
        }
        Ok(verdicts)
    }

    fn is_stopped(&self, seq: u64) -> bool {
        self.stopped.contains(&seq) || self.throttled.contains(&seq)
    }
}

/// Labels by address, from a table with the columns `ip` and `label`.
///
/// # Errors
/// When a column is missing.
pub fn labels(csv: &str) -> Result<HashMap<String, String>, String> {
    let mut lines = csv.lines();
    let header = columns(lines.next().unwrap_or(""));
    let find =
        |name: &str| header.iter().position(|column| column == name).ok_or(format!("no column `{name}`"));
    let (ip, label) = (find("ip")?, find("label")?);
    Ok(lines.map(columns).filter_map(|row| Some((row.get(ip)?.clone(), row.get(label)?.clone()))).collect())
}

fn columns(line: &str) -> Vec<String> {
    let mut columns = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => columns.push(String::new()),
            c => {
                if let Some(column) = columns.last_mut() {
                    column.push(c);
                }
            }
        }
    }
    columns
}

/// What came of it.
#[derive(Debug, Default, Serialize)]
pub struct Score {
    /// Login posts by attacking addresses.
    pub attack_posts: u64,
    /// Of these, stopped.
    pub attack_posts_stopped: u64,
    /// Percent.
    pub attack_posts_stopped_percent: f64,
    /// Attacking addresses that post.
    pub attack_addresses: u64,
    /// Of these, stopped at their first post.
    pub stopped_at_first_post: u64,
    /// Percent.
    pub stopped_at_first_post_percent: f64,
    /// By label: addresses seen, addresses with any request stopped, requests stopped.
    pub others: BTreeMap<String, Touched>,
    /// Lines of the log.
    pub lines: u64,
}

/// How many of a label were touched.
#[derive(Debug, Default, Serialize)]
pub struct Touched {
    /// Addresses of that label in the log.
    pub addresses: u64,
    /// Of these, with a stopped request.
    pub addresses_stopped: u64,
    /// Stopped requests.
    pub requests_stopped: u64,
    /// Login posts of that label.
    pub login_posts: u64,
    /// Of these, stopped.
    pub login_posts_stopped: u64,
}

/// Scores decisions on a combined log.
pub fn score(log: &str, labels: &HashMap<String, String>, verdicts: &Verdicts) -> Score {
    let mut score = Score::default();
    let mut posted: HashSet<&str> = HashSet::new();
    let mut addresses: HashMap<&str, HashSet<&str>> = HashMap::new();
    let mut stopped: HashMap<&str, HashSet<&str>> = HashMap::new();
    for (seq, line) in log.lines().enumerate() {
        score.lines += 1;
        let address = line.split(' ').next().unwrap_or("");
        let label = labels.get(address).map_or("unlabelled", String::as_str);
        let is_stopped = verdicts.is_stopped(seq as u64);
        let is_login = is_login_post(line);
        addresses.entry(label).or_default().insert(address);
        if is_stopped {
            stopped.entry(label).or_default().insert(address);
        }
        if label == "attack_login" {
            if is_login {
                score.attack_posts += 1;
                score.attack_posts_stopped += u64::from(is_stopped);
                if posted.insert(address) {
                    score.attack_addresses += 1;
                    score.stopped_at_first_post += u64::from(is_stopped);
                }
            }
        } else {
            let touched = score.others.entry(label.to_owned()).or_default();
            touched.requests_stopped += u64::from(is_stopped);
            touched.login_posts += u64::from(is_login);
            touched.login_posts_stopped += u64::from(is_login && is_stopped);
        }
    }
    for (label, touched) in &mut score.others {
        touched.addresses = addresses.get(label.as_str()).map_or(0, |set| set.len() as u64);
        touched.addresses_stopped = stopped.get(label.as_str()).map_or(0, |set| set.len() as u64);
    }
    score.attack_posts_stopped_percent = percent(score.attack_posts_stopped, score.attack_posts);
    score.stopped_at_first_post_percent = percent(score.stopped_at_first_post, score.attack_addresses);
    score
}

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { (part as f64 * 10_000.0 / whole as f64).round() / 100.0 }
}

fn is_login_post(line: &str) -> bool {
    let Some((_, request)) = line.split_once("\"POST ") else { return false };
    let target = request.split([' ', '"', '?']).next().unwrap_or("");
    target.contains("wp-login.php") || target.contains("xmlrpc.php")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
1.1.1.1 - - [x] \"POST /wp-login.php HTTP/1.1\" 200 1 \"-\" \"-\"
2.2.2.2 - - [x] \"GET /xmlrpc.php HTTP/1.1\" 200 1 \"-\" \"-\"
1.1.1.1 - - [x] \"POST /blog/xmlrpc.php?a HTTP/1.1\" 200 1 \"-\" \"-\"
3.3.3.3 - - [x] \"POST //xmlrpc.php HTTP/1.1\" 200 1 \"-\" \"-\"";

    #[test]
    fn posts_before_detection_count_against_us() {
        let labels =
            labels("ip,asn,label\n1.1.1.1,\"1,2\",attack_login\n2.2.2.2,,humanlike\n3.3.3.3,,attack_login")
                .unwrap();
        let verdicts = Verdicts::parse(
            "{\"seq\":1,\"verdict\":\"block\"}\n{\"seq\":2,\"verdict\":\"challenge\"}\n{\"seq\":3,\"verdict\":\"log\"}",
        )
        .unwrap();
        let score = score(LOG, &labels, &verdicts);
        assert_eq!((score.attack_posts, score.attack_posts_stopped), (3, 1));
        assert_eq!((score.attack_addresses, score.stopped_at_first_post), (2, 0));
        assert_eq!(score.others["humanlike"].addresses_stopped, 1);
    }
}
