-- The accounts to start with: admin / admin123456 and testuser / testpass123 (bcrypt, cost 12). Both passwords are
-- published, so both must be changed; see docs/SECURITY.md.
INSERT INTO users (id, username, email, password_hash, role, is_active, must_change_password, created_at, updated_at)
VALUES
    ('019b76da-a800-7000-8000-000000000001', 'admin', 'admin@example.com',
     '$2b$12$ozuBnoTg7Hbk7izHXMAsUu8sgPNf3Tgpf3I2S2JP8CgWbMNJUYNt2',
     'admin', true, true, '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z'),
    ('019b76da-a800-7000-8000-000000000002', 'testuser', 'testuser@example.com',
     '$2b$12$pTu5vu/NIvSt9DhiybEbwucQpgYcu6tWA9a13igYP4PbE2ogtLh.S',
     'member', true, true, '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z');
