use std::sync::Arc;

use arc_swap::ArcSwap;
use gateway_metering::PriceCatalogue;

/// The price catalogue in force, replaced as a whole when an operator changes a price.
pub struct Prices(ArcSwap<PriceCatalogue>);

impl Prices {
    /// Starts with `catalogue`.
    #[must_use]
    pub fn new(catalogue: PriceCatalogue) -> Self {
        Self(ArcSwap::from_pointee(catalogue))
    }

    /// The catalogue in force now.
    #[must_use]
    pub fn current(&self) -> Arc<PriceCatalogue> {
        self.0.load_full()
    }

    /// Puts another catalogue in force; requests that end from now on are priced by it.
    pub fn replace(&self, catalogue: PriceCatalogue) {
        self.0.store(Arc::new(catalogue));
    }
}
