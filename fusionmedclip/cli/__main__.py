from fusionmedclip.cli import app

app()
