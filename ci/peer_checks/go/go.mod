module polytls/peer

go 1.23
