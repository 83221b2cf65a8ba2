use std::time::Duration;

use gateway_domain::FaultClass;

use crate::NoAccount;
use crate::view::Obstacle;

const SHORTEST_WAIT: Duration = Duration::from_secs(1);

/// What stands in the way, over all accounts that serve the model.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Survey {
    is_forbidden: bool,
    pub(crate) is_busy: bool,
    is_tried: bool,
    down: Option<(FaultClass, Duration)>,
}

impl Survey {
    pub(crate) fn note(&mut self, obstacle: Obstacle, now: Duration) {
        match obstacle {
            // To this user it is as if these did not exist.
            Obstacle::Dialect | Obstacle::OtherOwner | Obstacle::Pinned => {}
            Obstacle::KeyForbids => self.is_forbidden = true,
            Obstacle::Tried => self.is_tried = true,
            Obstacle::Busy => self.is_busy = true,
            Obstacle::ModelRests(until) => self.note_down(FaultClass::ModelMissing, until, now),
            // Its trial is under way: whether it is back is known as soon as that is answered.
            Obstacle::Resting(class, until) if until <= now && class != FaultClass::Credential => {
                self.is_busy = true;
            }
            Obstacle::Resting(class, until) => self.note_down(class, until, now),
        }
    }

    fn note_down(&mut self, class: FaultClass, until: Duration, now: Duration) {
        let wait = until.saturating_sub(now).max(SHORTEST_WAIT);
        self.down = Some(match self.down {
            Some((known, shortest)) if hope(known) > hope(class) => (known, shortest),
            Some((known, shortest)) if hope(known) == hope(class) => (known, shortest.min(wait)),
            _ => (class, wait),
        });
    }

    pub(crate) fn conclusion(&self) -> NoAccount {
        match self.down {
            _ if self.is_busy => NoAccount::AllBusy,
            Some((class, wait)) => NoAccount::AllDown {
                class,
                retry_after: Some(wait),
            },
            None if self.is_tried => NoAccount::AllTried,
            None if self.is_forbidden => NoAccount::NotAllowed,
            None => NoAccount::NotServed,
        }
    }
}

/// How soon such a fault is likely to be over.
const fn hope(class: FaultClass) -> u8 {
    match class {
        FaultClass::Quota | FaultClass::Burst => 6,
        FaultClass::Overload => 5,
        FaultClass::Server => 4,
        FaultClass::Transport => 3,
        FaultClass::Credential => 2,
        FaultClass::ModelMissing => 1,
        FaultClass::Client => 0,
    }
}
