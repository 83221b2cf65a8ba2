use std::collections::{HashMap, HashSet, VecDeque};

/// The calls of a conversation, by which the results of tools are known.
///
/// Gemini's clients may give no ids, or the same one twice. Each call gets one that no other has, and a result
/// belongs to a call of the turn before it: the one with its id, else the first of its name that is open.
#[derive(Default)]
pub(super) struct Calls {
    count: usize,
    given: HashSet<String>,
    /// Of the last turn, by the client's id.
    by_id: HashMap<String, String>,
    /// Of the last turn, by name, in order.
    by_name: HashMap<String, VecDeque<String>>,
    answered: HashSet<String>,
}

impl Calls {
    /// The model speaks again: nobody waits for the results of what it called before.
    pub(super) fn begin_turn(&mut self) {
        self.by_id.clear();
        self.by_name.clear();
        self.answered.clear();
    }

    /// Takes note of a call, and gives the id under which it shall be known.
    pub(super) fn call(&mut self, id: Option<String>, name: &str) -> String {
        self.count += 1;
        let theirs = id.filter(|id| !id.is_empty());
        let ours = theirs.clone().filter(|id| self.given.insert(id.clone()));
        let ours = ours.unwrap_or_else(|| self.make_id());
        if let Some(theirs) = theirs {
            self.by_id.insert(theirs, ours.clone());
        }
        let open = self.by_name.entry(name.to_owned()).or_default();
        open.push_back(ours.clone());
        ours
    }

    /// The id of the call that a result is for.
    pub(super) fn answer(&mut self, id: Option<&str>, name: &str) -> Option<String> {
        let call = match id.and_then(|id| self.by_id.get(id)) {
            Some(call) => call.clone(),
            None => {
                let open = self.by_name.get_mut(name)?;
                std::iter::from_fn(|| open.pop_front()).find(|call| !self.answered.contains(call))?
            }
        };
        self.answered.insert(call.clone()).then_some(call)
    }

    fn make_id(&mut self) -> String {
        let mut id = format!("call_{}", self.count);
        // Only a client that names its calls just so, and others not at all, comes to this.
        while !self.given.insert(id.clone()) {
            id.push('_');
        }
        id
    }
}
