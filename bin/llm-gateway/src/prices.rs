use std::fs;

use gateway_metering::PriceCatalogue;

use crate::Result;
use crate::config::PricesSettings;

/// The price list that is built in, or the one that stands in for it.
///
/// # Errors
///
/// What is wrong with the file, and what to do about it.
pub(crate) fn listed(settings: &PricesSettings) -> Result<PriceCatalogue> {
    let Some(file) = &settings.file else {
        return Ok(PriceCatalogue::embedded());
    };
    let refused = |reason: &dyn std::fmt::Display| {
        format!(
            "the price list {} of prices.file cannot be used: {reason}; mend it, or leave out prices.file for the list \
             that is built in",
            file.display()
        )
    };
    let json = fs::read_to_string(file).map_err(|error| refused(&error))?;
    let catalogue = PriceCatalogue::from_json(&json).map_err(|error| refused(&error))?;
    tracing::info!(file = %file.display(), "prices are those of a file");
    Ok(catalogue)
}
