use std::time::Duration;

use actix_web::{rt, web};
use gateway_alerting::{
    AccountChange, AccountSighting, AccountStanding, AccountState, AccountWatch, Alert, AlertSettings,
    BudgetStanding, BudgetThreshold, BudgetWatch,
};
use gateway_api::App;
use gateway_auth::Scope;
use gateway_balancing::HealthStatus;
use gateway_domain::{Budget, Nanodollars, Spender, Timestamp, UpstreamAccount};
use gateway_store::{SpendSpan, StoreError};

/// The watch over budgets and accounts.
pub(crate) struct Watch {
    app: web::Data<App>,
    budgets: BudgetWatch,
    accounts: AccountWatch,
    has_webhook: bool,
}

impl Watch {
    /// Goes on from what was told before the last stop.
    pub(crate) async fn resume(app: web::Data<App>, settings: &AlertSettings) -> Result<Self, StoreError> {
        let mut accounts = AccountWatch::new(settings.account_grace());
        accounts.resume(app.store.open_outages().await?);
        Ok(Self {
            has_webhook: app.settings.has_webhook,
            app,
            budgets: BudgetWatch::new(settings.budget_percents.clone()),
            accounts,
        })
    }

    pub(crate) async fn keep_looking(mut self, interval: Duration) {
        loop {
            // One of them must not keep the other from being told.
            for looked in [self.look_at_accounts().await, self.look_at_budgets().await] {
                if let Err(error) = looked {
                    tracing::warn!(%error, "what is to be told of budgets and accounts is not known at the moment");
                }
            }
            rt::time::sleep(interval).await;
        }
    }

    async fn look_at_budgets(&mut self) -> Result<(), StoreError> {
        let now = self.app.clock.now();
        let standings = budgets(&self.app, now).await?;
        for threshold in self.budgets.due(&standings, now) {
            let alert = Alert::BudgetThreshold(threshold.clone());
            if self.raise(&alert).await? {
                log_budget(&threshold);
            }
            self.budgets.note(&threshold);
        }
        Ok(())
    }

    async fn look_at_accounts(&mut self) -> Result<(), StoreError> {
        let sightings = accounts(&self.app);
        let now = self.app.clock.monotonic();
        for change in self.accounts.changes(&sightings, now) {
            match &change {
                AccountChange::Out(state) => {
                    if self.raise(&Alert::AccountOut(state.clone())).await? {
                        log_out(state);
                    }
                }
                AccountChange::Back(state) => {
                    if self.raise(&Alert::AccountBack(state.clone())).await? {
                        log_back(state);
                    }
                }
                AccountChange::Gone(id) => self.app.store.forget_outage(*id).await?,
            }
            self.accounts.note(&change);
        }
        Ok(())
    }

    /// Keeps the alert, and says whether nobody else had.
    async fn raise(&self, alert: &Alert) -> Result<bool, StoreError> {
        let first_attempt_at = self.has_webhook.then(|| self.app.clock.now());
        let is_new = self
            .app
            .store
            .raise_alert(alert, first_attempt_at)
            .await?
            .is_some();
        if is_new {
            self.app.proxy.metrics().alert_raised(alert.kind());
        }
        Ok(is_new)
    }
}

/// What is spent of every budget.
async fn budgets(app: &App, now: Timestamp) -> Result<Vec<BudgetStanding>, StoreError> {
    let keys = app.store.budgeted_keys(Scope::Everyone).await?;
    let users = app.store.budgeted_users().await?;
    let accounts = app.proxy.catalogue().pool().accounts();
    let accounts = accounts
        .iter()
        .filter(|account| account.is_active && account.budget.amount.is_some());
    let mut standings: Vec<BudgetStanding> = keys
        .into_iter()
        .map(|key| unspent(Spender::Key(key.id), key.name, key.budget))
        .chain(
            users
                .into_iter()
                .map(|user| unspent(Spender::User(user.id), user.username, user.budget)),
        )
        .chain(
            accounts
                .map(|account| unspent(Spender::Account(account.id), account.name.clone(), account.budget)),
        )
        .collect();
    let spans = standings.iter().map(|standing| {
        let start = standing.budget.period.around(now).map(|(start, _)| start);
        let period_from = start.unwrap_or(Timestamp::from_seconds(0));
        SpendSpan {
            spender: standing.subject,
            period_from,
            recent_from: period_from,
        }
    });
    let spending = app.store.spending(spans.collect()).await?;
    for (standing, spending) in standings.iter_mut().zip(spending) {
        standing.spent = spending.period;
    }
    Ok(standings)
}

fn unspent(subject: Spender, name: String, budget: Budget) -> BudgetStanding {
    BudgetStanding {
        subject,
        name,
        budget,
        spent: Nanodollars::ZERO,
    }
}

/// How every account is doing, as far as this process knows.
fn accounts(app: &App) -> Vec<AccountSighting> {
    let pool = app.proxy.catalogue().pool();
    let sighting = |account: &UpstreamAccount| {
        let health = pool.health(account.id)?;
        Some(AccountSighting {
            state: AccountState {
                account_id: account.id,
                name: account.name.clone(),
                provider: account.provider,
                status: health.status.to_string(),
                reason: health.reason,
                until: health.until,
            },
            standing: standing(health.status),
        })
    };
    pool.accounts()
        .iter()
        .filter_map(|account| sighting(account))
        .collect()
}

const fn standing(status: HealthStatus) -> AccountStanding {
    match status {
        HealthStatus::Healthy => AccountStanding::Serving,
        HealthStatus::Degraded => AccountStanding::Wavering,
        HealthStatus::CoolingDown | HealthStatus::Unhealthy => AccountStanding::Out,
        HealthStatus::Unknown => AccountStanding::Untold,
        HealthStatus::Disabled => AccountStanding::Off,
    }
}

fn log_budget(threshold: &BudgetThreshold) {
    let (kind, id) = (threshold.subject.kind(), threshold.subject.id());
    tracing::warn!(
        subject = kind,
        subject_id = %id,
        name = threshold.name,
        percent = threshold.percent,
        spent_usd = %threshold.spent,
        amount_usd = %threshold.amount,
        period = %threshold.period,
        "a part of a budget is spent"
    );
}

fn log_out(state: &AccountState) {
    tracing::warn!(
        account_id = %state.account_id,
        name = state.name,
        status = state.status,
        reason = state.reason,
        until = state.until.map(tracing::field::display),
        "account out"
    );
}

fn log_back(state: &AccountState) {
    tracing::info!(account_id = %state.account_id, name = state.name, status = state.status, "account back");
}
