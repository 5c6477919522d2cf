console.log('No generated page yet.');
