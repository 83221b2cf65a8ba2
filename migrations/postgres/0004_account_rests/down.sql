DROP TABLE account_rests;
