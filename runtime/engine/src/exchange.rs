//! Requests that wait for their response.

use std::collections::VecDeque;

use hashbrown::HashMap;

use crate::input::Seq;
use crate::record::Record;
use crate::recording::Captured;
use crate::ruleset::PackageId;

/// An event of a request, with what its response will need.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// Which of the request's events.
    pub(crate) nth: usize,
    pub(crate) record: Record,
    /// Readings kept from the request.
    pub(crate) kept: Captured,
}

/// A request in flight.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) at: i64,
    pub(crate) events: Vec<Waiting>,
    /// Whose actions and scores are lifted from the request and its response.
    pub(crate) exempted: Vec<PackageId>,
}

/// Requests in flight, bounded: past the bound the oldest is dropped and counted.
#[derive(Debug)]
pub(crate) struct Exchanges {
    /// By numbers that the engine gives out itself: a fast hash will do.
    waiting: HashMap<u64, Exchange>,
    order: VecDeque<u64>,
    capacity: usize,
    dropped: u64,
}

impl Exchanges {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { waiting: HashMap::new(), order: VecDeque::new(), capacity: capacity.max(1), dropped: 0 }
    }

    /// Keeps a request. One that has to leave for it is returned, for it will never end otherwise.
    pub(crate) fn open(&mut self, seq: Seq, exchange: Exchange) -> Option<(Seq, Exchange)> {
        let mut left = None;
        if self.waiting.len() >= self.capacity {
            while let Some(oldest) = self.order.pop_front() {
                if let Some(exchange) = self.waiting.remove(&oldest) {
                    self.dropped = self.dropped.saturating_add(1);
                    left = Some((Seq(oldest), exchange));
                    break;
                }
            }
        }
        // Answered requests leave holes in the queue; they are closed when they outnumber the rest.
        if self.order.len() > self.waiting.len().saturating_mul(2).max(64) {
            let waiting = &self.waiting;
            self.order.retain(|seq| waiting.contains_key(seq));
        }
        self.order.push_back(seq.0);
        self.waiting.insert(seq.0, exchange);
        left
    }

    /// Ends a request: its response is here, or will not come.
    pub(crate) fn close(&mut self, seq: Seq) -> Option<Exchange> {
        self.waiting.remove(&seq.0)
    }

    /// Takes out all requests in flight, in order.
    pub(crate) fn take(&mut self) -> Vec<(Seq, Exchange)> {
        let order = std::mem::take(&mut self.order);
        order.into_iter().filter_map(|seq| Some((Seq(seq), self.waiting.remove(&seq)?))).collect()
    }

    /// Sets how many have been dropped before.
    pub(crate) fn set_dropped(&mut self, dropped: u64) {
        self.dropped = dropped;
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(at: i64) -> Exchange {
        Exchange { at, events: Vec::new(), exempted: Vec::new() }
    }

    #[test]
    fn the_oldest_is_dropped_and_counted() {
        let mut exchanges = Exchanges::new(2);
        assert!(exchanges.open(Seq(1), exchange(1)).is_none());
        assert!(exchanges.open(Seq(2), exchange(2)).is_none());
        assert!(exchanges.close(Seq(1)).is_some());
        assert!(exchanges.open(Seq(3), exchange(3)).is_none());
        assert_eq!(exchanges.open(Seq(4), exchange(4)).unwrap().0, Seq(2));
        assert!(exchanges.close(Seq(2)).is_none());
        assert_eq!((exchanges.len(), exchanges.dropped()), (2, 1));
    }

    #[test]
    fn answered_requests_leave_nothing_behind() {
        let mut exchanges = Exchanges::new(1_000);
        for seq in 0..100_000 {
            exchanges.open(Seq(seq), exchange(0));
            exchanges.close(Seq(seq));
        }
        assert!(exchanges.order.len() <= 130 && exchanges.len() == 0);
    }
}
