PRAGMA writable_schema = ON;
UPDATE sqlite_master SET sql = replace(sql, 'ON message', 'ON ' || CAST(x'939a7373616765' AS TEXT))
WHERE name = 'message_removed';
