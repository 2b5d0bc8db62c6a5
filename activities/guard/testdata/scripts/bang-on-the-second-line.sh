
#!/bin/cat
echo ran
