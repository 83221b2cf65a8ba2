DROP TABLE usage_rollup_state;
DROP TABLE usage_rollups;
ALTER TABLE attempts DROP COLUMN marks;
ALTER TABLE requests DROP COLUMN marks;
