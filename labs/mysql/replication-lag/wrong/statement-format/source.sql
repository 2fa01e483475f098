SET GLOBAL binlog_format = 'STATEMENT';
