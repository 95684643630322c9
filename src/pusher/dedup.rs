//! Recognises an application's own message ids over an overlap of two subscriptions. Off unless the application says
//! how to find the id: the protocol has none.

use std::collections::{HashSet, VecDeque};

/// Finds the id in the text of `data`; `None` when the event has none and is always delivered.
pub type IdOf = fn(event: &str, data: &str) -> Option<String>;

/// The last ids seen, so many and no more.
#[derive(Clone, Debug)]
pub struct RecentIds {
    seen: HashSet<String>,
    order: VecDeque<String>,
    capacity: usize,
}

impl RecentIds {
    pub fn new(capacity: usize) -> Self {
        Self {
            seen: HashSet::new(),
            order: VecDeque::new(),
            capacity: capacity.max(1),
        }
    }

    /// Whether `id` is new; it is remembered then.
    pub fn insert(&mut self, id: String) -> bool {
        if !self.seen.insert(id.clone()) {
            return false;
        }
        self.order.push_back(id);
        if self.order.len() > self.capacity
            && let Some(oldest) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
        }
        true
    }
}
