"""Error budget arithmetic: charges, burn rates, forecasts and the policy. Pure, exact where it decides."""
